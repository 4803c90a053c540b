// The same C++ compiled for several instruction sets, and the widest one that runs here picked.
#pragma once

#if defined(__GNUC__)
#define SEARCH_INLINE __attribute__((always_inline))
#define SEARCH_INLINE_LAMBDA __attribute__((always_inline))
#else
#define SEARCH_INLINE
#define SEARCH_INLINE_LAMBDA
#endif

#if defined(__x86_64__) && defined(__GNUC__)

template <class Body, class... Args>
__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"), noinline))
auto run_avx512(Args... args) {
    return Body::run(args...);
}
template <class Body, class... Args>
__attribute__((target("avx2,fma"), noinline)) auto run_avx2(Args... args) {
    return Body::run(args...);
}

// Body::run(args...), where `run` is inlined into a function of the widest instruction set.
template <class Body, class... Args>
auto run_widest(Args... args) {
    static const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    static const bool avx512 =
        avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    if (avx512) return run_avx512<Body>(args...);
    if (avx2) return run_avx2<Body>(args...);
    return Body::run(args...);
}

#else

template <class Body, class... Args>
auto run_widest(Args... args) {
    return Body::run(args...);
}

#endif
