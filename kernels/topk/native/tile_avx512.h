// Tiles of 9 x 48 scores for AVX-512: fp32, bf16 pairs (vdpbf16ps) and int8 quads (vpdpbusd).
//
// The loop is written in assembler because it needs 31 of the 32 registers: 27 hold the scores, and
// compilers spill some of them. One text serves the three number formats, which differ in the
// instructions only. Row r of the tile is in zmm(3r) .. zmm(3r + 2).
#pragma once

#if defined(__x86_64__) && defined(__GNUC__)
#define SEARCH_HAVE_X86 1

#include "tile.h"

// One step along the dimensions: a row's word times the 48 words of the columns.
#define TILE_STEP(OP, R, C0, C1, C2)            \
    "vbroadcastss 4*" R "(%[a]), %%zmm30\n"     \
    OP " %%zmm30, %%zmm27, %%zmm" C0 "\n"       \
    OP " %%zmm30, %%zmm28, %%zmm" C1 "\n"       \
    OP " %%zmm30, %%zmm29, %%zmm" C2 "\n"

#define TILE_START(ADD, R, C0, C1, C2)                                 \
    ADD " 4*" R "(%[row_start])%{1to16%}, %%zmm27, %%zmm" C0 "\n"      \
    ADD " 4*" R "(%[row_start])%{1to16%}, %%zmm28, %%zmm" C1 "\n"      \
    ADD " 4*" R "(%[row_start])%{1to16%}, %%zmm29, %%zmm" C2 "\n"

#define TILE_STORE(R, C0, C1, C2)                         \
    "vmovups %%zmm" C0 ", 192*" R "(%[scores])\n"         \
    "vmovups %%zmm" C1 ", 192*" R "+64(%[scores])\n"      \
    "vmovups %%zmm" C2 ", 192*" R "+128(%[scores])\n"

// Which scores are at least the lower of both limits, as bits of a mask register.
#define TILE_TEST_ONE(MIN, CMP, R, LIMIT, C, MASK)                  \
    MIN " 4*" R "(%[row_limit])%{1to16%}, " LIMIT ", %%zmm30\n"     \
    CMP ", %%zmm30, %%zmm" C ", %%" MASK "\n"

// The three masks of a row are joined before they are stored: a load of 64 bits would have to wait
// for three stores of 16.
#define TILE_TEST(MIN, CMP, R, C0, C1, C2)                 \
    TILE_TEST_ONE(MIN, CMP, R, "%%zmm27", C0, "k1")        \
    TILE_TEST_ONE(MIN, CMP, R, "%%zmm28", C1, "k2")        \
    TILE_TEST_ONE(MIN, CMP, R, "%%zmm29", C2, "k3")        \
    "kunpckwd %%k1, %%k2, %%k1\n"                          \
    "kmovd %%k1, %k[low]\n"                                \
    "kmovw %%k3, %k[high]\n"                               \
    "shl $32, %[high]\n"                                   \
    "or %[high], %[low]\n"                                 \
    "or %[low], %[hit]\n"                                  \
    "mov %[low], 8*" R "(%[masks])\n"

#define TILE_LOAD(WHERE)                     \
    "vmovups (" WHERE "), %%zmm27\n"         \
    "vmovups 64(" WHERE "), %%zmm28\n"       \
    "vmovups 128(" WHERE "), %%zmm29\n"

#define TILE_ROWS2(M, X, Y) \
    M(X, Y, "0", "0", "1", "2") M(X, Y, "1", "3", "4", "5") M(X, Y, "2", "6", "7", "8")          \
    M(X, Y, "3", "9", "10", "11") M(X, Y, "4", "12", "13", "14") M(X, Y, "5", "15", "16", "17")  \
    M(X, Y, "6", "18", "19", "20") M(X, Y, "7", "21", "22", "23") M(X, Y, "8", "24", "25", "26")
#define TILE_ROWS1(M, X) \
    M(X, "0", "0", "1", "2") M(X, "1", "3", "4", "5") M(X, "2", "6", "7", "8")          \
    M(X, "3", "9", "10", "11") M(X, "4", "12", "13", "14") M(X, "5", "15", "16", "17")  \
    M(X, "6", "18", "19", "20") M(X, "7", "21", "22", "23") M(X, "8", "24", "25", "26")
#define TILE_ROWS(M) \
    M("0", "0", "1", "2") M("1", "3", "4", "5") M("2", "6", "7", "8")          \
    M("3", "9", "10", "11") M("4", "12", "13", "14") M("5", "15", "16", "17")  \
    M("6", "18", "19", "20") M("7", "21", "22", "23") M("8", "24", "25", "26")

#define TILE_CLOBBERS                                                                         \
    "zmm0", "zmm1", "zmm2", "zmm3", "zmm4", "zmm5", "zmm6", "zmm7", "zmm8", "zmm9", "zmm10",  \
        "zmm11", "zmm12", "zmm13", "zmm14", "zmm15", "zmm16", "zmm17", "zmm18", "zmm19",      \
        "zmm20", "zmm21", "zmm22", "zmm23", "zmm24", "zmm25", "zmm26", "zmm27", "zmm28",      \
        "zmm29", "zmm30", "k1", "k2", "k3", "cc", "memory"

// The scores of a tile in registers: the common beginning of both functions below.
#define TILE_PRODUCT(ADD, OP)                                                      \
    TILE_LOAD("%[column_start]")                                                   \
    TILE_ROWS1(TILE_START, ADD)                                                    \
    ".p2align 5\n"                                                                 \
    "1:\n"                                                                         \
    TILE_LOAD("%[b]")                                                              \
    TILE_ROWS1(TILE_STEP, OP)                                                      \
    "add $36, %[a]\n"                                                              \
    "add $192, %[b]\n"                                                             \
    "sub $1, %[steps]\n"                                                           \
    "jnz 1b\n"

#define TILE_FUNCTIONS(ADD, OP, MIN, CMP)                                                     \
    __attribute__((target("avx512f,avx512bw"), noinline))                                     \
    static bool fused(const TileInput<Score>& in, TileOutput<Score>& out) {                   \
        const void *a = in.a, *b = in.b;                                                      \
        int64_t steps = in.steps, hit, low, high;                                             \
        __asm__ volatile(                                                                     \
            TILE_PRODUCT(ADD, OP)                                                             \
            TILE_LOAD("%[column_limit]")                                                      \
            "xor %k[hit], %k[hit]\n"                                                          \
            TILE_ROWS2(TILE_TEST, MIN, CMP)                                                   \
            "test %[hit], %[hit]\n"                                                           \
            "jz 2f\n"                                                                         \
            TILE_ROWS(TILE_STORE)                                                             \
            "2:\n"                                                                            \
            : [a] "+r"(a), [b] "+r"(b), [steps] "+r"(steps), [hit] "=&r"(hit),                \
              [low] "=&r"(low), [high] "=&r"(high)                                            \
            : [row_start] "r"(in.row_start), [column_start] "r"(in.column_start),             \
              [row_limit] "r"(in.row_limit), [column_limit] "r"(in.column_limit),             \
              [scores] "r"(out.scores), [masks] "r"(out.masks)                                \
            : TILE_CLOBBERS);                                                                 \
        return hit != 0;                                                                      \
    }                                                                                         \
    __attribute__((target("avx512f,avx512bw"), noinline))                                     \
    static void bare(const TileInput<Score>& in, TileOutput<Score>& out) {                    \
        const void *a = in.a, *b = in.b;                                                      \
        int64_t steps = in.steps;                                                             \
        __asm__ volatile(TILE_PRODUCT(ADD, OP) TILE_ROWS(TILE_STORE)                          \
                         : [a] "+r"(a), [b] "+r"(b), [steps] "+r"(steps)                      \
                         : [row_start] "r"(in.row_start), [column_start] "r"(in.column_start), \
                           [scores] "r"(out.scores)                                           \
                         : TILE_CLOBBERS);                                                    \
    }

struct Avx512Fp32 {
    using Score = float;
    using Format = Fp32;
    static constexpr int kRows = 9, kColumns = 48;
    static bool supported() {
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
    }
    TILE_FUNCTIONS("vaddps", "vfmadd231ps", "vminps", "vcmpps $0x1d")
};

struct Avx512Bf16 {
    using Score = float;
    using Format = Bf16;
    static constexpr int kRows = 9, kColumns = 48;
    static bool supported() {
        return Avx512Fp32::supported() && __builtin_cpu_supports("avx512bf16");
    }
    TILE_FUNCTIONS("vaddps", "vdpbf16ps", "vminps", "vcmpps $0x1d")
};

// vpdpbusd multiplies unsigned bytes with signed ones. Here the columns are the unsigned ones: they
// carry an offset of 128, which the rows' start values take back.
struct Avx512Int8 {
    using Score = int32_t;
    using Format = Int8;
    static constexpr int kRows = 9, kColumns = 48;
    static bool supported() {
        return Avx512Fp32::supported() && __builtin_cpu_supports("avx512vnni");
    }
    TILE_FUNCTIONS("vpaddd", "vpdpbusd", "vpminsd", "vpcmpd $5")
};

#endif
