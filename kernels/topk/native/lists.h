// The best scores of vectors: short sorted lists of keys.
//
// A key is the score and the index in one number: larger is better, of equal scores the lower
// index. No two keys are equal, so what a list ends up with does not depend on the order of
// insertion, and so not on the number of threads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "widest.h"

using Key = uint64_t;
constexpr Key kNoKey = 0;  // below every key of a score

inline uint32_t rank_of(float score) {
    score += 0.0f;  // -0 is 0
    uint32_t bits;
    std::memcpy(&bits, &score, sizeof(bits));
    return bits >> 31 ? ~bits : bits | 0x80000000u;
}
inline uint32_t rank_of(int32_t score) { return static_cast<uint32_t>(score) ^ 0x80000000u; }

inline void score_of(uint32_t rank, float& score) {
    const uint32_t bits = rank >> 31 ? rank & 0x7fffffffu : ~rank;
    std::memcpy(&score, &bits, sizeof(score));
}
inline void score_of(uint32_t rank, int32_t& score) {
    score = static_cast<int32_t>(rank ^ 0x80000000u);
}

template <class Score>
Key key_of(Score score, int64_t index) {
    return static_cast<Key>(rank_of(score)) << 32 | (0xffffffffu - static_cast<uint32_t>(index));
}
inline int64_t index_of(Key key) { return 0xffffffffu - static_cast<uint32_t>(key); }

template <class Score>
Score score_of(Key key) {
    Score score;
    score_of(static_cast<uint32_t>(key >> 32), score);
    return score;
}

template <class Score>
constexpr Score lowest() {
    return std::numeric_limits<Score>::has_infinity ? -std::numeric_limits<Score>::infinity()
                                                    : std::numeric_limits<Score>::min();
}
template <class Score>
constexpr Score highest() {
    return std::numeric_limits<Score>::has_infinity ? std::numeric_limits<Score>::infinity()
                                                    : std::numeric_limits<Score>::max();
}

// Whole vectors of the compiler's: one of AVX-512, or several narrower ones.
typedef Key Keys __attribute__((vector_size(64)));
constexpr int64_t kKeys = sizeof(Keys) / sizeof(Key);
struct alignas(64) Group {
    Keys keys;
};

// The best keys of many vectors, in a list of `kept` each.
//
// A list fills whole `Keys`; its places from `kept` on are there for the sake of these alone.
class Lists {
public:
    Lists() = default;
    Lists(int64_t count, int64_t kept)
        : kept_(kept), groups_((kept + kKeys - 1) / kKeys), all_(count * groups_) {}

    Key key(int64_t list, int64_t place) const {
        return all_[list * groups_ + place / kKeys].keys[place % kKeys];
    }

    // Puts a key in its place in a full or part-filled list; whether it is among the best.
    SEARCH_INLINE bool insert(int64_t list, Key key) {
        Group* groups = all_.data() + list * groups_;
        if (key <= last(groups)) return false;
        // Each place gets the better of its own key and of the lower of the new one and the one
        // above: without a branch, because where the new key goes cannot be foreseen.
        const Keys added = Keys{} + key;
        Keys before = added;
        for (int64_t g = 0; g < groups_; ++g) {
            const Keys own = groups[g].keys;
#ifdef __clang__
            const Keys above = __builtin_shufflevector(before, own, 7, 8, 9, 10, 11, 12, 13, 14);
#else  // of every GCC: the other one came with its twelfth
            const Keys above = __builtin_shuffle(before, own, Keys{7, 8, 9, 10, 11, 12, 13, 14});
#endif
            const Keys moved = above < added ? above : added;
            groups[g].keys = own > moved ? own : moved;
            before = own;
        }
        return true;
    }

    // Has the lists from `first` on at hand when they are wanted.
    void prefetch(int64_t first, int64_t count) const {
        const Group* groups = all_.data() + first * groups_;
        for (int64_t g = 0; g < count * groups_; ++g) __builtin_prefetch(groups + g, 1);
    }

    // The score from which on a new one may enter a list.
    template <class Score>
    SEARCH_INLINE Score limit(int64_t list) const {
        const Key key = last(all_.data() + list * groups_);
        return key == kNoKey ? lowest<Score>() : score_of<Score>(key);
    }

private:
    SEARCH_INLINE Key last(const Group* groups) const {
        return reinterpret_cast<const Key*>(groups)[kept_ - 1];
    }

    int64_t kept_ = 0, groups_ = 0;
    std::vector<Group> all_;
};
