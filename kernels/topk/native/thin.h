// A few vectors against many: fp32 products without packing, so each of the many is read once.
//
// Packing costs as much as about a hundred products of a vector. For fewer it would be most of the
// work: for one query against a corpus, or for the few rows that a first pass leaves unproven.
#pragma once

#include <cfloat>

#include "exact.h"
#include "pack.h"

constexpr int64_t kMaxThin = 96;

typedef float Floats __attribute__((vector_size(64)));
constexpr int kFloats = 16;

// Products of `few` vectors with kMany rows, to out[few][kMany]; whole Floats only.
struct ThinProducts {
    static constexpr int kMany = 4;

    static SEARCH_INLINE void run(const float* few, int64_t num_few, const float* const* many,
                                  int64_t dims, float* out) {
        for (int64_t row = 0; row < num_few; ++row) {
            const float* vector = few + row * dims;
            Floats sum[kMany] = {};
            for (int64_t d = 0; d < dims; d += kFloats) {
                Floats x, y;
                std::memcpy(&x, vector + d, sizeof(x));
                for (int m = 0; m < kMany; ++m) {
                    std::memcpy(&y, many[m] + d, sizeof(y));
                    sum[m] += x * y;
                }
            }
            for (int m = 0; m < kMany; ++m) {
                float total = 0;
                for (int lane = 0; lane < kFloats; ++lane) total += sum[m][lane];
                out[row * kMany + m] = total;
            }
        }
    }
};

// The candidates of the few side; the many side wants none.
class ThinSearch {
public:
    static bool fits(const Side& few, const Side& many) {
        if (few.count > kMaxThin || many.scores || many.count < few.count) return false;
        // The many are scaled after the product, which must not overflow or vanish before.
        for (int64_t row = 0; many.scales && row < many.count; ++row)
            if (!(many.scales[row] > 1e-30 && many.scales[row] < 1e30)) return false;
        return true;
    }

    ThinSearch(const Side& few, const Side& many, int64_t dims)
        : few_(few),
          many_(many),
          dims_(dims),
          padded_((dims + kFloats - 1) / kFloats * kFloats),
          vectors_(few.count * padded_, 0.0f),
          limits_(few.count),
          locks_(few.count),
          lists_(few.count, few.kept) {
        for (int64_t row = 0; row < few.count; ++row) {
            const double scale = few.scales ? few.scales[row] : 1.0;
            const float* vector = few.vectors + row * dims;
            for (int64_t d = 0; d < dims; ++d)
                vectors_[row * padded_ + d] = static_cast<float>(vector[d] * scale);
            limits_[row].store(lowest<float>(), std::memory_order_relaxed);
        }
    }

    double run(int threads) {
        constexpr int64_t kPiece = 64;
        const int64_t pieces = (many_.count + kPiece - 1) / kPiece;
        std::vector<double> seconds(threads, 0.0), longest(threads, 0.0);
        parallel_for(threads, pieces, [&](int worker, int64_t piece) {
            const double start = thread_seconds();
            const int64_t last = std::min(many_.count, (piece + 1) * kPiece);
            for (int64_t first = piece * kPiece; first < last; first += ThinProducts::kMany)
                longest[worker] = std::max(longest[worker], rows(first, last));
            seconds[worker] += thread_seconds() - start;
        });
        write(*std::max_element(longest.begin(), longest.end()));
        return std::accumulate(seconds.begin(), seconds.end(), 0.0);
    }

private:
    // A few of the many, from `first` on; returns the largest of their scaled lengths.
    double rows(int64_t first, int64_t last) {
        constexpr int kMany = ThinProducts::kMany;
        const int count = static_cast<int>(std::min<int64_t>(kMany, last - first));
        float scores[kMaxThin * kMany];
        const float* many[kMany];
        thread_local std::vector<float> rests;
        rests.assign(dims_ == padded_ ? 0 : kMany * padded_, 0.0f);
        for (int m = 0; m < kMany; ++m) {
            many[m] = many_.vectors + (first + std::min(m, count - 1)) * dims_;
            if (dims_ == padded_) continue;
            std::copy(many[m], many[m] + dims_, rests.data() + m * padded_);
            many[m] = rests.data() + m * padded_;
        }
        run_widest<ThinProducts>(vectors_.data(), few_.count, many, padded_, scores);
        double longest = 0;
        for (int m = 0; m < count; ++m) {
            const double scale = many_.scales ? many_.scales[first + m] : 1.0;
            for (int64_t row = 0; row < few_.count; ++row)
                take(row, static_cast<float>(scores[row * kMany + m] * scale), first + m);
            // Scaled vectors have length 1.
            longest = std::max(longest, many_.scales ? 1.0 : length_of(many[m], dims_));
        }
        return longest;
    }

    void take(int64_t row, float score, int64_t column) {
        if (!(score >= limits_[row].load(std::memory_order_relaxed))) return;
        const std::lock_guard<SpinLock> guard(locks_[row]);
        if (lists_.insert(row, key_of(score, column)))
            limits_[row].store(lists_.limit<float>(row), std::memory_order_relaxed);
    }

    void write(double longest) const {
        const double* scales = many_.scales;
        const double most_scale = scales ? *std::max_element(scales, scales + many_.count) : 1.0;
        for (int64_t row = 0; row < few_.count; ++row) {
            for (int64_t place = 0; place < few_.kept; ++place) {
                const Key key = lists_.key(row, place);
                few_.scores[row * few_.kept + place] = score_of<float>(key);
                few_.indices[row * few_.kept + place] = index_of(key);
            }
            const float* vector = vectors_.data() + row * padded_;
            const double length = length_of(vector, dims_);
            // The sums' roundings, the scalings', and what vanishes below the least float.
            const double operations = padded_ + 8.0;
            const double vanished = 2 * kTiny * std::max(1.0, most_scale) * (1 + longest);
            const double rounded = 0.5 * FLT_EPSILON * 1.01 * length * longest;
            const double error = operations * (rounded + vanished);
            few_.errors[row] = std::nextafter(static_cast<float>(error * (1 + 1e-6)), FLT_MAX);
        }
    }

    const Side& few_;
    const Side& many_;
    const int64_t dims_, padded_;
    std::vector<float> vectors_;
    std::vector<std::atomic<float>> limits_;
    std::vector<SpinLock> locks_;
    Lists lists_;
};
