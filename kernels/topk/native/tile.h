// What a tile kernel takes and gives, and the number formats it multiplies.
//
// A tile is the scores of kRows packed rows with kColumns packed columns. A kernel runs over all
// dimensions at once, so that a score does not depend on where in a tile its vectors stand.
#pragma once

#include <cstdint>

// How a vector is stored: words of 32 bits, each of kGroup neighbouring dimensions.
struct Fp32 {
    static constexpr int kGroup = 1;
};
struct Bf16 {
    static constexpr int kGroup = 2;
};
struct Int8 {
    static constexpr int kGroup = 4;
};

constexpr int kMaxRows = 16, kMaxColumns = 64;

template <class Score>
struct TileInput {
    const uint32_t* a;          // steps x kRows words
    const uint32_t* b;          // steps x kColumns words
    int64_t steps;              // words of a vector, at least 1
    const Score* row_start;     // (kRows): a score begins as row_start + column_start
    const Score* column_start;  // (kColumns)
    const Score* row_limit;     // (kRows): a score counts from min(row_limit, column_limit) on
    const Score* column_limit;  // (kColumns)
};

template <class Score>
struct TileOutput {
    alignas(64) Score scores[kMaxRows * kMaxColumns];  // row by row; valid after a hit
    alignas(64) uint64_t masks[kMaxRows] = {};         // bit c of mask r: score (r, c) counts
};
