// The pass over all tiles: each score is compared once, with its row's and its column's limit.
#pragma once

#include <cfloat>

#include "pack.h"

// What one call computes, whichever side became the rows.
template <class Kernel>
class Search {
    using Score = typename Kernel::Score;
    using Format = typename Kernel::Format;
    static constexpr int kRows = Kernel::kRows, kColumns = Kernel::kColumns;

public:
    // The larger side becomes the columns, whose blocks the threads share out among themselves.
    Search(const Side& x, const Side& y, int64_t dims, int threads)
        : rows_(x.count <= y.count ? x : y),
          columns_(x.count <= y.count ? y : x),
          dims_(dims),
          threads_(threads),
          row_panels_(rows_, dims, kRows),
          column_panels_(columns_, dims, kColumns),
          row_start_(row_panels_.count * kRows),
          column_start_(column_panels_.count * kColumns),
          row_limit_(row_panels_.count * kRows),
          row_locks_(row_panels_.count) {
        pack_sides();
        set_starts();
    }

    // Fills the lists of the sides that want them; returns the processor seconds of the tile loop.
    double run() {
        if (rows_.scores) row_lists_ = Lists(rows_.count, rows_.kept);
        if (columns_.scores) column_lists_ = Lists(columns_.count, columns_.kept);
        for (int64_t row = 0; row < row_panels_.count * kRows; ++row)
            row_limit_[row].store(
                row < rows_.count && rows_.scores ? lowest<Score>() : highest<Score>(),
                std::memory_order_relaxed);
        const double seconds =
            over_blocks([this](int64_t first, int64_t last) { block(first, last); });
        write_side(rows_, row_lists_, row_panels_, column_panels_, row_terms_, column_terms_);
        write_side(columns_, column_lists_, column_panels_, row_panels_, column_terms_, row_terms_);
        return seconds;
    }

    // The same loop over the tiles without looking at the scores: what a bare product costs.
    double run_bare() {
        return over_blocks([this](int64_t first, int64_t last) {
            TileOutput<Score> out;
            for (int64_t row_panel = 0; row_panel < row_panels_.count; ++row_panel)
                for (int64_t panel = first; panel < last; ++panel)
                    Kernel::bare(input(row_panel, panel), out);
        });
    }

private:
    void pack_sides() {
        // fp32 has no need of centring, and its errors are smallest without.
        const bool centred = Format::kGroup > 1;
        const std::vector<float> row_mean = mean_of(rows_, dims_, centred);
        const std::vector<float> column_mean = mean_of(columns_, dims_, centred);
        pack<Format, kRows>(rows_, dims_, row_mean, column_mean, false, threads_, row_panels_);
        pack<Format, kColumns>(columns_, dims_, column_mean, row_mean, Format::kGroup == 4,
                               threads_, column_panels_);
        mean_product_ = product_of(row_mean, column_mean);
    }

    // x.y = (x - u).(y - v) + x.v + u.(y - v), where x.v = (x - u).v + u.v.
    void set_starts() {
        unit_ = row_panels_.step * column_panels_.step;
        row_terms_.resize(rows_.count);
        column_terms_.resize(columns_.count);
        for (int64_t row = 0; row < rows_.count; ++row) {
            row_terms_[row] = row_panels_.roundings[row].dot + mean_product_;
            row_start_[row] = rounded(row_terms_[row] / unit_);
            if (Format::kGroup == 4) row_start_[row] -= 128 * row_panels_.sums[row];
        }
        for (int64_t column = 0; column < columns_.count; ++column) {
            column_terms_[column] = column_panels_.roundings[column].dot;
            column_start_[column] = rounded(column_terms_[column] / unit_);
        }
    }

    static Score rounded(double value) {
        if (std::numeric_limits<Score>::is_integer) value = std::nearbyint(value);
        return static_cast<Score>(value);
    }

    // Blocks of columns that stay in the second-level cache while all rows pass by.
    template <class Block>
    double over_blocks(const Block& block) {
        const int64_t bytes = column_panels_.steps * kColumns * sizeof(uint32_t);
        const int64_t cached = std::max<int64_t>(1, kBlockBytes / bytes);
        const int64_t shared = std::max<int64_t>(1, column_panels_.count / (4 * threads_));
        const int64_t size = std::min({cached, shared, kBlockColumns / kColumns});
        const int64_t blocks = (column_panels_.count + size - 1) / size;
        std::vector<double> seconds(threads_, 0.0);
        parallel_for(threads_, blocks, [&](int worker, int64_t number) {
            const double start = thread_seconds();
            block(number * size, std::min(column_panels_.count, (number + 1) * size));
            seconds[worker] += thread_seconds() - start;
        });
        double sum = 0;
        for (const double part : seconds) sum += part;
        return sum;
    }

    TileInput<Score> input(int64_t row_panel, int64_t column_panel) const {
        TileInput<Score> in{};
        in.a = row_panels_.panel(row_panel);
        in.b = column_panels_.panel(column_panel);
        in.steps = row_panels_.steps;
        in.row_start = row_start_.data() + row_panel * kRows;
        in.column_start = column_start_.data() + column_panel * kColumns;
        return in;
    }

    // All rows against the column panels [first, last); only this thread has their lists.
    void block(int64_t first, int64_t last) {
        TileOutput<Score> out;
        std::vector<Score> column_limit((last - first) * kColumns, highest<Score>());
        const int64_t there =
            std::min((last - first) * kColumns, columns_.count - first * kColumns);
        if (columns_.scores)
            std::fill(column_limit.begin(), column_limit.begin() + there, lowest<Score>());
        Score row_limit[kRows];
        // Blocks begin at different rows, so that threads do not meet at the same lists.
        const int64_t begin = row_panels_.count * first / column_panels_.count;
        for (int64_t turn = 0; turn < row_panels_.count; ++turn) {
            const int64_t row_panel = (begin + turn) % row_panels_.count;
            const std::atomic<Score>* limits = row_limit_.data() + row_panel * kRows;
            const int64_t first_row = row_panel * kRows;
            if (rows_.scores)
                row_lists_.prefetch(first_row, std::min<int64_t>(kRows, rows_.count - first_row));
            for (int64_t panel = first; panel < last; ++panel) {
                Score* panel_limit = column_limit.data() + (panel - first) * kColumns;
                // Another thread may raise a limit meanwhile. An old one only lets more through.
                for (int r = 0; r < kRows; ++r)
                    row_limit[r] = limits[r].load(std::memory_order_relaxed);
                TileInput<Score> in = input(row_panel, panel);
                in.row_limit = row_limit;
                in.column_limit = panel_limit;
                if (Kernel::fused(in, out))
                    run_widest<Hits>(this, &out, row_panel, panel, panel_limit);
            }
        }
    }

    struct Hits {
        static SEARCH_INLINE void run(Search* search, const TileOutput<Score>* out,
                                      int64_t row_panel, int64_t panel, Score* column_limit) {
            search->take_hits(*out, row_panel, panel, column_limit);
        }
    };

    SEARCH_INLINE void take_hits(const TileOutput<Score>& out, int64_t row_panel,
                                 int64_t column_panel, Score* column_limit) {
        const int64_t first_row = row_panel * kRows, first_column = column_panel * kColumns;
        const int num_rows = static_cast<int>(std::min<int64_t>(kRows, rows_.count - first_row));
        const int64_t num_columns = columns_.count - first_column;
        const uint64_t valid = num_columns >= 64 ? ~0ull : (1ull << num_columns) - 1;
        bool locked = false;
        for (int r = 0; r < num_rows; ++r) {
            for (uint64_t mask = out.masks[r] & valid; mask; mask &= mask - 1) {
                const int c = __builtin_ctzll(mask);
                const Score score = out.scores[r * kColumns + c];
                if (score >= column_limit[c]) {
                    if (column_lists_.insert(first_column + c, key_of(score, first_row + r)))
                        column_limit[c] = column_lists_.template limit<Score>(first_column + c);
                }
                std::atomic<Score>& row_limit = row_limit_[first_row + r];
                if (score >= row_limit.load(std::memory_order_relaxed)) {
                    if (!locked) row_locks_[row_panel].lock();
                    locked = true;
                    if (row_lists_.insert(first_row + r, key_of(score, first_column + c)))
                        row_limit.store(row_lists_.template limit<Score>(first_row + r),
                                        std::memory_order_relaxed);
                }
            }
        }
        if (locked) row_locks_[row_panel].unlock();
    }

    // Lists and error bounds of one side, in the caller's numbers.
    void write_side(const Side& side, const Lists& lists, const Panels<Format>& own,
                    const Panels<Format>& other, const std::vector<double>& own_terms,
                    const std::vector<double>& other_terms) {
        if (!side.scores) return;
        Rounding most;
        double most_term = 0;
        for (const Rounding& one : other.roundings) {
            most.length = std::max(most.length, one.length);
            most.rounded = std::max(most.rounded, one.rounded);
            most.residual = std::max(most.residual, one.residual);
        }
        for (const double term : other_terms) most_term = std::max(most_term, std::fabs(term));
        for (int64_t row = 0; row < side.count; ++row) {
            for (int64_t place = 0; place < side.kept; ++place) {
                const Key key = lists.key(row, place);
                side.scores[row * side.kept + place] =
                    static_cast<float>(score_of<Score>(key) * unit_);
                side.indices[row * side.kept + place] = index_of(key);
            }
            const Rounding& mine = own.roundings[row];
            // Cauchy-Schwarz on what rounding the components took away.
            double error = mine.residual * most.length + mine.rounded * most.residual;
            const double size = std::fabs(own_terms[row]) + most_term + mine.rounded * most.rounded;
            error += arithmetic_error(size) + 1e-9 * size;
            side.errors[row] = std::nextafter(static_cast<float>(error * (1 + 1e-6)), FLT_MAX);
        }
    }

    // Bound of what the additions round away, of numbers whose magnitudes add up to `size`.
    double arithmetic_error(double size) const {
        const double operations = dims_ + Format::kGroup + 8;
        if (std::numeric_limits<Score>::is_integer) return 2 * unit_ + size * FLT_EPSILON;
        return operations * (0.5 * FLT_EPSILON * 1.01 * size + 2 * kTiny);
    }

    static constexpr int64_t kBlockBytes = 512 << 10, kBlockColumns = 480;

    const Side& rows_;
    const Side& columns_;
    const int64_t dims_;
    const int threads_;
    Panels<Format> row_panels_, column_panels_;
    std::vector<Score> row_start_, column_start_;
    std::vector<std::atomic<Score>> row_limit_;
    std::vector<SpinLock> row_locks_;
    Lists row_lists_, column_lists_;
    std::vector<double> row_terms_, column_terms_;
    double mean_product_ = 0, unit_ = 1;
};
