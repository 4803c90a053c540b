// Margins: how far a pair's score stands out from those of both vectors' other neighbours.
#pragma once

#include "parallel.h"
#include "widest.h"

// The neighbours of the vectors of one side.
struct Neighbours {
    const float* scores;     // (count, kept)
    const int64_t* indices;  // (count, kept), of the other side
    int64_t count;
    int64_t kept;
};

enum class MarginKind { kRatio, kDistance, kAbsolute };

// A mean is summed from the best neighbour to the last, as everywhere.
struct MeanScores {
    static SEARCH_INLINE int run(const Neighbours* of, int64_t first, int64_t last, double* means) {
        for (int64_t row = first; row < last; ++row) {
            double sum = 0;
            for (int64_t place = row * of->kept; place < (row + 1) * of->kept; ++place)
                sum += of->scores[place];
            means[row] = sum / static_cast<double>(of->kept);
        }
        return 0;
    }
};

template <MarginKind kKind>
struct Margins {
    static SEARCH_INLINE int run(const Neighbours* of, int64_t first, int64_t last,
                                 const double* means, const double* other_means, double* margins) {
        for (int64_t row = first; row < last; ++row)
            for (int64_t place = row * of->kept; place < (row + 1) * of->kept; ++place) {
                const double score = of->scores[place];
                const double around = (means[row] + other_means[of->indices[place]]) / 2;
                margins[place] = kKind == MarginKind::kRatio ? score / around
                                 : kKind == MarginKind::kDistance ? score - around
                                                                  : score;
            }
        return 0;
    }
};

// Calls work(first, last) for the rows of a side in pieces.
template <class Work>
void over_rows(int threads, int64_t count, const Work& work) {
    constexpr int64_t kPiece = 4096;
    parallel_for(threads, (count + kPiece - 1) / kPiece, [&](int, int64_t piece) {
        work(piece * kPiece, std::min(count, (piece + 1) * kPiece));
    });
}

inline void mean_scores(const Neighbours& of, int threads, double* means) {
    over_rows(threads, of.count, [&](int64_t first, int64_t last) {
        run_widest<MeanScores>(&of, first, last, means);
    });
}

template <MarginKind kKind>
void margins_of(const Neighbours& of, const double* means, const double* other_means, int threads,
                double* margins) {
    over_rows(threads, of.count, [&](int64_t first, int64_t last) {
        run_widest<Margins<kKind>>(&of, first, last, means, other_means, margins);
    });
}
