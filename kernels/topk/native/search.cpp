// Similarity search on CPUs: the functions that Python calls through ctypes.
//
// They are a plain shared library and need no header of Python; ctypes releases the interpreter's
// lock while they run. They return 0, or 1 when memory did not suffice.

#include "exact.h"
#include "margins.h"
#include "search.h"
#include "thin.h"
#include "tile_avx512.h"
#include "tile_plain.h"

namespace {

template <class Kernel>
int search_with(const Side& x, const Side& y, int64_t dims, int threads, bool bare,
                double* loop_seconds) {
    if (!bare && ThinSearch::fits(x, y)) {
        *loop_seconds = ThinSearch(x, y, dims).run(threads);
        return 0;
    }
    Search<Kernel> search(x, y, dims, threads);
    *loop_seconds = bare ? search.run_bare() : search.run();
    return 0;
}

template <class Work>
int guarded(const Work& work) {
    try {
        return work();
    } catch (const std::exception&) {
        return 1;
    }
}

using SearchFunction = int (*)(const Side&, const Side&, int64_t, int, bool, double*);

struct Entry {
    const char* name;
    bool (*supported)();
    SearchFunction search;
};

const Entry kKernels[] = {
    {"portable:fp32", PortableFp32::supported, search_with<PortableFp32>},
#ifdef SEARCH_HAVE_X86
    {"avx2:fp32", Avx2Fp32::supported, search_with<Avx2Fp32>},
    {"avx512:fp32", Avx512Fp32::supported, search_with<Avx512Fp32>},
    {"avx512:bf16", Avx512Bf16::supported, search_with<Avx512Bf16>},
    {"avx512:int8", Avx512Int8::supported, search_with<Avx512Int8>},
#endif
};
constexpr int kNumKernels = sizeof(kKernels) / sizeof(kKernels[0]);

}  // namespace

extern "C" {

// The name of a kernel, or null past the last one; `supported` tells whether it runs here.
const char* search_kernel(int number, int* supported) {
    if (number < 0 || number >= kNumKernels) return nullptr;
    *supported = kKernels[number].supported();
    return kKernels[number].name;
}

// Candidates of both sides, or, `bare`, only the products. Both sides have vectors.
int search_candidates(int kernel, const Side* x, const Side* y, int64_t dims, int threads, int bare,
                      double* loop_seconds) {
    return guarded([&] {
        return kKernels[kernel].search(*x, *y, dims, threads, bare != 0, loop_seconds);
    });
}

int search_rescore(const float* x, int64_t num_x, const float* y, int64_t dims,
                   const double* scales_x, const double* scales_y, const int64_t* indices,
                   int64_t kept, int threads, float* scores) {
    return guarded([&] {
        rescore(x, num_x, y, dims, scales_x, scales_y, indices, kept, threads, scores);
        return 0;
    });
}

int search_lengths(const float* x, int64_t num_x, int64_t dims, int threads, double* lengths) {
    return guarded([&] {
        lengths_of(x, num_x, dims, threads, lengths);
        return 0;
    });
}

int search_mean_scores(const Neighbours* of, int threads, double* means) {
    return guarded([&] {
        mean_scores(*of, threads, means);
        return 0;
    });
}

int search_margins(int kind, const Neighbours* of, const double* means, const double* other_means,
                   int threads, double* margins) {
    static constexpr auto kFunctions = {margins_of<MarginKind::kRatio>,
                                        margins_of<MarginKind::kDistance>,
                                        margins_of<MarginKind::kAbsolute>};
    return guarded([&] {
        kFunctions.begin()[kind](*of, means, other_means, threads, margins);
        return 0;
    });
}

}  // extern "C"
