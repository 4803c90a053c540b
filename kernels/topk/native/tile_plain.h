// Tiles for fp32 without AVX-512: 6 x 16 for AVX2 with FMA, 4 x 8 in plain C++ for any machine.
#pragma once

#include <algorithm>
#include <cstring>

#include "tile.h"

// Writes the scores and the masks of a tile that stands in `scores`; tells whether any bit is set.
template <int kRows, int kColumns>
inline __attribute__((always_inline)) bool mark_hits(const TileInput<float>& in,
                                                     const float (&scores)[kRows][kColumns],
                                                     TileOutput<float>& out) {
    int any = 0;
    for (int r = 0; r < kRows; ++r)
        for (int c = 0; c < kColumns; ++c)
            any |= scores[r][c] >= std::min(in.row_limit[r], in.column_limit[c]);
    if (!any) return false;
    std::memcpy(out.scores, scores, sizeof(scores));
    for (int r = 0; r < kRows; ++r) {
        uint64_t mask = 0;
        for (int c = 0; c < kColumns; ++c) {
            const bool hit = scores[r][c] >= std::min(in.row_limit[r], in.column_limit[c]);
            mask |= static_cast<uint64_t>(hit) << c;
        }
        out.masks[r] = mask;
    }
    return true;
}

typedef float Floats4 __attribute__((vector_size(16)));

struct PortableFp32 {
    using Score = float;
    using Format = Fp32;
    static constexpr int kRows = 4, kColumns = 8;
    static bool supported() { return true; }

    static inline void product(const TileInput<float>& in, float (&scores)[kRows][kColumns]) {
        Floats4 sum[kRows][2], word[2];
        const float* a = reinterpret_cast<const float*>(in.a);
        const float* b = reinterpret_cast<const float*>(in.b);
        std::memcpy(word, in.column_start, sizeof(word));
#pragma GCC unroll 4
        for (int r = 0; r < kRows; ++r)
            for (int v = 0; v < 2; ++v) sum[r][v] = word[v] + in.row_start[r];
        for (int64_t step = 0; step < in.steps; ++step, a += kRows, b += kColumns) {
            std::memcpy(word, b, sizeof(word));
#pragma GCC unroll 4
            for (int r = 0; r < kRows; ++r)
                for (int v = 0; v < 2; ++v) sum[r][v] += word[v] * a[r];
        }
        std::memcpy(scores, sum, sizeof(scores));
    }

    __attribute__((noinline)) static bool fused(const TileInput<float>& in,
                                                TileOutput<float>& out) {
        float scores[kRows][kColumns];
        product(in, scores);
        return mark_hits<kRows, kColumns>(in, scores, out);
    }

    __attribute__((noinline)) static void bare(const TileInput<float>& in,
                                               TileOutput<float>& out) {
        float scores[kRows][kColumns];
        product(in, scores);
        std::memcpy(out.scores, scores, sizeof(scores));
    }
};

#if defined(__x86_64__)
#include <immintrin.h>

struct Avx2Fp32 {
    using Score = float;
    using Format = Fp32;
    static constexpr int kRows = 6, kColumns = 16;
    static bool supported() {
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    }

    __attribute__((target("avx2,fma"))) static inline void product(
        const TileInput<float>& in, float (&scores)[kRows][kColumns]) {
        __m256 sum[kRows][2];
        const float* a = reinterpret_cast<const float*>(in.a);
        const float* b = reinterpret_cast<const float*>(in.b);
#pragma GCC unroll 6
        for (int r = 0; r < kRows; ++r) {
            const __m256 start = _mm256_set1_ps(in.row_start[r]);
            sum[r][0] = _mm256_add_ps(start, _mm256_loadu_ps(in.column_start));
            sum[r][1] = _mm256_add_ps(start, _mm256_loadu_ps(in.column_start + 8));
        }
        for (int64_t step = 0; step < in.steps; ++step, a += kRows, b += kColumns) {
            const __m256 left = _mm256_loadu_ps(b), right = _mm256_loadu_ps(b + 8);
#pragma GCC unroll 6
            for (int r = 0; r < kRows; ++r) {
                const __m256 word = _mm256_broadcast_ss(a + r);
                sum[r][0] = _mm256_fmadd_ps(word, left, sum[r][0]);
                sum[r][1] = _mm256_fmadd_ps(word, right, sum[r][1]);
            }
        }
#pragma GCC unroll 6
        for (int r = 0; r < kRows; ++r) {
            _mm256_storeu_ps(scores[r], sum[r][0]);
            _mm256_storeu_ps(scores[r] + 8, sum[r][1]);
        }
    }

    __attribute__((target("avx2,fma"), noinline)) static bool fused(const TileInput<float>& in,
                                                                    TileOutput<float>& out) {
        alignas(32) float scores[kRows][kColumns];
        product(in, scores);
        return mark_hits<kRows, kColumns>(in, scores, out);
    }

    __attribute__((target("avx2,fma"), noinline)) static void bare(const TileInput<float>& in,
                                                                   TileOutput<float>& out) {
        alignas(32) float scores[kRows][kColumns];
        product(in, scores);
        std::memcpy(out.scores, scores, sizeof(scores));
    }
};
#endif
