// Threads that take numbered pieces of work in turn.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include <time.h>

// Calls work(worker, piece) once for each piece below `pieces`, on up to `threads` threads.
//
// The threads live for the call only. A pool such as OpenMP's keeps idle threads spinning, and that
// burns the time of whatever runs next.
template <class Work>
void parallel_for(int threads, int64_t pieces, const Work& work) {
    std::atomic<int64_t> next{0};
    std::exception_ptr failure;
    std::mutex failing;
    const auto run = [&](int worker) {
        try {
            for (int64_t piece; (piece = next.fetch_add(1, std::memory_order_relaxed)) < pieces;)
                work(worker, piece);
        } catch (...) {
            const std::lock_guard<std::mutex> guard(failing);
            failure = std::current_exception();
        }
    };
    const int64_t helpers = std::min<int64_t>(threads, pieces) - 1;
    std::vector<std::thread> others;
    // Fewer threads than asked for do the same work.
    try {
        for (int64_t worker = 1; worker <= helpers; ++worker) others.emplace_back(run, worker);
    } catch (const std::exception&) {
    }
    run(0);
    for (std::thread& other : others) other.join();
    if (failure) std::rethrow_exception(failure);
}

// Seconds of processor time that the calling thread has used.
inline double thread_seconds() {
#ifdef CLOCK_THREAD_CPUTIME_ID
    timespec now;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0) return now.tv_sec + 1e-9 * now.tv_nsec;
#endif
    return 0;
}

// Held for a few dozen instructions, so waiting for it is cheaper than asleep.
class SpinLock {
public:
    void lock() {
        for (int tries = 0; flag_.test_and_set(std::memory_order_acquire); ++tries)
            if (tries > 100) std::this_thread::yield();
    }
    void unlock() { flag_.clear(std::memory_order_release); }

private:
    std::atomic_flag flag_ = ATOMIC_FLAG_INIT;
};
