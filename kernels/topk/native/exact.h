// Sums in double precision: exact scores of chosen pairs, and lengths of vectors.
#pragma once

#include <cmath>

#include "parallel.h"
#include "widest.h"

// The product of two vectors. A product of two floats is exact in double, and the lanes are the
// same everywhere: all instruction sets and both orders of the vectors give the same number.
struct DoubleProduct {
    static SEARCH_INLINE double run(const float* x, const float* y, int64_t dims) {
        constexpr int kLanes = 32;
        double sum[kLanes] = {};
        int64_t first = 0;
        for (; first + kLanes <= dims; first += kLanes)
            for (int lane = 0; lane < kLanes; ++lane)
                sum[lane] += static_cast<double>(x[first + lane]) * y[first + lane];
        for (int lane = 0; first + lane < dims; ++lane)
            sum[lane] += static_cast<double>(x[first + lane]) * y[first + lane];
        for (int half = kLanes / 2; half > 0; half /= 2)
            for (int lane = 0; lane < half; ++lane) sum[lane] += sum[lane + half];
        return sum[0];
    }
};

inline double length_of(const float* vector, int64_t dims) {
    return std::sqrt(run_widest<DoubleProduct>(vector, vector, dims));
}

inline void fetch(const float* vector, int64_t dims) {
#if defined(__GNUC__)
    for (int64_t d = 0; d < dims; d += 16) __builtin_prefetch(vector + d);
#else
    (void)vector, (void)dims;
#endif
}

inline void rescore(const float* x, int64_t num_x, const float* y, int64_t dims,
                    const double* scales_x, const double* scales_y, const int64_t* indices,
                    int64_t kept, int threads, float* scores) {
    constexpr int64_t kPiece = 64;  // rows
    parallel_for(threads, (num_x + kPiece - 1) / kPiece, [&](int, int64_t piece) {
        const int64_t last = std::min(num_x, (piece + 1) * kPiece);
        for (int64_t row = piece * kPiece; row < last; ++row)
            for (int64_t place = row * kept; place < (row + 1) * kept; ++place) {
                const int64_t other = indices[place];
                // The candidates are all over memory: the next one is fetched meanwhile.
                if (place + 1 < num_x * kept) fetch(y + indices[place + 1] * dims, dims);
                double score = run_widest<DoubleProduct>(x + row * dims, y + other * dims, dims);
                if (scales_x) score *= scales_x[row] * scales_y[other];
                scores[place] = static_cast<float>(score);
            }
    });
}

inline void lengths_of(const float* x, int64_t num_x, int64_t dims, int threads, double* lengths) {
    constexpr int64_t kPiece = 256;  // rows
    parallel_for(threads, (num_x + kPiece - 1) / kPiece, [&](int, int64_t piece) {
        const int64_t last = std::min(num_x, (piece + 1) * kPiece);
        for (int64_t row = piece * kPiece; row < last; ++row)
            lengths[row] = length_of(x + row * dims, dims);
    });
}
