// The best scores of one vector: a short sorted list of keys.
//
// A key is the score and the index in one number: larger is better, of equal scores the lower
// index. No two keys are equal, so what a list ends up with does not depend on the order of
// insertion, and so not on the number of threads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>

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

// Puts a key in its place in a full or part-filled list; whether it is among the best.
inline bool insert(Key* list, int64_t length, Key key) {
    if (key <= list[length - 1]) return false;
    // Each place gets the better of its own key and of the lower of the new one and the one above:
    // without a branch, because where the new key goes cannot be foreseen.
    for (int64_t place = length - 1; place > 0; --place)
        list[place] = std::max(list[place], std::min(list[place - 1], key));
    list[0] = std::max(list[0], key);
    return true;
}

// The score from which on a new one may enter the list.
template <class Score>
Score limit_of(const Key* list, int64_t length) {
    const Key last = list[length - 1];
    return last == kNoKey ? lowest<Score>() : score_of<Score>(last);
}
