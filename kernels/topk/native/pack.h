// Packing: vectors are scaled, centred, rounded to the number format, and laid out in panels.
//
// Of a vector x, scaled, with the mean u of its side and the mean v of the other side, what is
// packed is r(x - u). Products are those of centred vectors: (x - u).(y - v) is x.y less terms that
// belong to one vector each, which go into the start values. Vectors of one language model often
// share a large part; without it rounding errors are much smaller.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <new>
#include <numeric>
#include <vector>

#include "lists.h"
#include "parallel.h"
#include "tile.h"
#include "widest.h"

// One side of a search as the caller gives it; `scores` is null where no lists are wanted.
struct Side {
    const float* vectors;  // (count, dims)
    int64_t count;
    const double* scales;  // (count) or null
    float* scores;         // (count, kept)
    int64_t* indices;      // (count, kept)
    float* errors;         // (count)
    int64_t kept;
};

template <class T>
class Buffer {  // aligned, and not filled
public:
    explicit Buffer(int64_t size) : data_(allocate(size)) {}
    T* get() const { return data_.get(); }
    T& operator[](int64_t place) const { return data_.get()[place]; }

private:
    struct Free {
        void operator()(T* data) const { ::operator delete[](data, std::align_val_t(64)); }
    };
    static T* allocate(int64_t size) {
        return static_cast<T*>(::operator new[](size * sizeof(T) + 64, std::align_val_t(64)));
    }
    std::unique_ptr<T, Free> data_;
};

// What rounding did to a vector, from which the error of its scores follows.
struct Rounding {
    double length = 0;    // of the centred vector
    double rounded = 0;   // length of what is packed of it
    double residual = 0;  // length of the difference
    double dot = 0;       // product of the centred vector with the other side's mean
};

constexpr double kTiny = 1.1754943508222875e-38;  // 2^-126, the least normal float

// Components as the format holds them: their bits, and what those stand for. Plain loops over
// `kLanes` numbers without branches, which compilers vectorise.
constexpr int kLanes = 32;

struct EncodeFp32 {
    using Type = uint32_t;
    static SEARCH_INLINE void run(const double* value, double, Type* bits, double* held) {
        float single[kLanes];
        for (int l = 0; l < kLanes; ++l) held[l] = single[l] = static_cast<float>(value[l]);
        std::memcpy(bits, single, sizeof(single));
    }
};

struct EncodeBf16 {
    using Type = uint16_t;
    static SEARCH_INLINE void run(const double* value, double, Type* bits, double* held) {
        float single[kLanes];
        uint32_t wide[kLanes];
        for (int l = 0; l < kLanes; ++l) single[l] = static_cast<float>(value[l]);
        std::memcpy(wide, single, sizeof(single));
        for (int l = 0; l < kLanes; ++l) {
            const uint32_t even = (wide[l] + 0x7fffu + ((wide[l] >> 16) & 1)) & 0xffff0000u;
            // vdpbf16ps takes numbers below 2^-126 for 0.
            wide[l] = (even & 0x7f800000u) ? even : 0;
        }
        for (int l = 0; l < kLanes; ++l) bits[l] = static_cast<uint16_t>(wide[l] >> 16);
        std::memcpy(single, wide, sizeof(single));
        for (int l = 0; l < kLanes; ++l) held[l] = single[l];
    }
};

struct EncodeInt8 {
    using Type = int8_t;
    static SEARCH_INLINE void run(const double* value, double step, Type* bits, double* held) {
        const double magic = 6755399441055744.0;  // 1.5 * 2^52: adding it rounds to a whole number
        const double steps = 1 / step;
        int32_t whole[kLanes];
        for (int l = 0; l < kLanes; ++l) {
            const double near = (value[l] * steps + magic) - magic;
            held[l] = near * step;
            whole[l] = static_cast<int32_t>(near);
        }
        for (int l = 0; l < kLanes; ++l) bits[l] = static_cast<int8_t>(whole[l]);
    }
};

template <class Format>
struct Encoding;
template <>
struct Encoding<Fp32> { using Type = EncodeFp32; };
template <>
struct Encoding<Bf16> { using Type = EncodeBf16; };
template <>
struct Encoding<Int8> { using Type = EncodeInt8; };

// Rounds one vector; `out` has room for its words. Sums run in lanes so that they vectorise.
template <class Encode>
struct RoundVector {
    using Type = typename Encode::Type;
    struct Sums {
        double length[kLanes] = {}, rounded[kLanes] = {}, residual[kLanes] = {}, dot[kLanes] = {};
    };

    static SEARCH_INLINE void lanes(const float* vector, double scale, const float* mean,
                                    const float* other_mean, double step, Type* out, Sums& sums) {
        double value[kLanes], held[kLanes];
        for (int l = 0; l < kLanes; ++l) value[l] = vector[l] * scale - mean[l];
        Encode::run(value, step, out, held);
        for (int l = 0; l < kLanes; ++l) sums.length[l] += value[l] * value[l];
        for (int l = 0; l < kLanes; ++l) sums.rounded[l] += held[l] * held[l];
        for (int l = 0; l < kLanes; ++l) {
            const double residual = value[l] - held[l];
            sums.residual[l] += residual * residual;
        }
        for (int l = 0; l < kLanes; ++l) sums.dot[l] += value[l] * other_mean[l];
    }

    static SEARCH_INLINE double total(const double* lane) {
        double sum = 0;
        for (int l = 0; l < kLanes; ++l) sum += lane[l];
        return sum;
    }

    static SEARCH_INLINE Rounding run(const float* vector, int64_t dims, double scale,
                                      const float* mean, const float* other_mean, double step,
                                      Type* out) {
        Sums sums;
        int64_t first = 0;
        for (; first + kLanes <= dims; first += kLanes)
            lanes(vector + first, scale, mean + first, other_mean + first, step, out + first, sums);
        if (first < dims) {
            float rest[3][kLanes] = {};
            Type bits[kLanes];
            std::copy(vector + first, vector + dims, rest[0]);
            std::copy(mean + first, mean + dims, rest[1]);
            std::copy(other_mean + first, other_mean + dims, rest[2]);
            lanes(rest[0], scale, rest[1], rest[2], step, bits, sums);
            std::copy(bits, bits + (dims - first), out + first);
        }
        return {std::sqrt(total(sums.length)), std::sqrt(total(sums.rounded)),
                std::sqrt(total(sums.residual)), total(sums.dot)};
    }
};

// The mean of up to 1024 scaled vectors, taken evenly: enough, since any vector would be right.
inline std::vector<float> mean_of(const Side& side, int64_t dims, bool centred) {
    std::vector<double> sum(dims, 0.0);
    const int64_t samples = centred ? std::min<int64_t>(side.count, 1024) : 0;
    for (int64_t sample = 0; sample < samples; ++sample) {
        const int64_t row = sample * side.count / samples;
        const double scale = side.scales ? side.scales[row] : 1.0;
        for (int64_t d = 0; d < dims; ++d) sum[d] += side.vectors[row * dims + d] * scale;
    }
    std::vector<float> mean(dims, 0.0f);
    for (int64_t d = 0; d < dims && samples; ++d) mean[d] = static_cast<float>(sum[d] / samples);
    return mean;
}

inline double product_of(const std::vector<float>& x, const std::vector<float>& y) {
    double sum = 0;
    for (size_t d = 0; d < x.size(); ++d) sum += static_cast<double>(x[d]) * y[d];
    return sum;
}

struct LargestComponent {
    static SEARCH_INLINE double run(const float* vector, int64_t dims, double scale,
                                    const float* mean) {
        double largest = 0;
        for (int64_t d = 0; d < dims; ++d)
            largest = std::max(largest, std::fabs(vector[d] * scale - mean[d]));
        return largest;
    }
};

// The panels of one side, and what the errors and start values are made of.
template <class Format>
struct Panels {
    const int width;      // vectors of a panel, side by side
    const int64_t steps;  // words of a vector
    const int64_t count;  // panels
    Buffer<uint32_t> words;            // (count, steps, width)
    std::vector<Rounding> roundings;   // (vectors)
    std::vector<int32_t> sums;         // (vectors) of the components of int8
    double step = 1;                   // what 1 stands for in int8

    Panels(const Side& side, int64_t dims, int panel_width)
        : width(panel_width),
          steps((dims + Format::kGroup - 1) / Format::kGroup),
          count((side.count + panel_width - 1) / panel_width),
          words(count * steps * panel_width),
          roundings(side.count),
          sums(Format::kGroup == 4 ? side.count : 0) {}

    const uint32_t* panel(int64_t number) const { return words.get() + number * steps * width; }
};

// One step of int8 for the whole side, so that all scores count in the same unit.
inline double int8_step(const Side& side, int64_t dims, const std::vector<float>& mean,
                        int threads) {
    const int64_t pieces = std::min<int64_t>(side.count, 64);
    std::vector<double> largest(pieces, 0.0);
    parallel_for(threads, pieces, [&](int, int64_t piece) {
        const int64_t last = side.count * (piece + 1) / pieces;
        for (int64_t row = side.count * piece / pieces; row < last; ++row) {
            const double scale = side.scales ? side.scales[row] : 1.0;
            largest[piece] = std::max(
                largest[piece], run_widest<LargestComponent>(side.vectors + row * dims, dims,
                                                                  scale, mean.data()));
        }
    });
    // Not below what keeps the start values (products with the means) within 31 bits.
    const double least = std::max(std::sqrt(product_of(mean, mean)) / 64, kTiny);
    return std::max(*std::max_element(largest.begin(), largest.end()), least) / 127;
}

// Lays vectors side by side: word by word, so that a step of the tile loop reads one stretch.
template <int kWidth>
void lay_out(const uint32_t* vectors, int64_t steps, int width, uint32_t flip, uint32_t* panel) {
    for (int64_t step = 0; step < steps; ++step)
        for (int place = 0; place < kWidth; ++place)
            panel[step * width + place] = vectors[place * steps + step] ^ flip;
}

// Packs one side; its panels are kWidth vectors wide. With `offset` the components of int8 are
// moved by 128, which makes them unsigned.
template <class Format, int kWidth>
void pack(const Side& side, int64_t dims, const std::vector<float>& mean,
          const std::vector<float>& other_mean, bool offset, int threads, Panels<Format>& panels) {
    using Encode = typename Encoding<Format>::Type;
    using Type = typename Encode::Type;
    // As many vectors at a time as one cache line has words.
    constexpr int kPart = kWidth % 16 == 0 ? 16 : kWidth;
    if (Format::kGroup == 4) panels.step = int8_step(side, dims, mean, threads);
    parallel_for(threads, panels.count, [&](int, int64_t number) {
        std::vector<uint32_t> words(panels.steps * kPart);
        uint32_t* panel = panels.words.get() + number * panels.steps * kWidth;
        for (int part = 0; part < kWidth; part += kPart) {
            std::fill(words.begin(), words.end(), 0);
            const int64_t first = number * kWidth + part;
            for (int64_t row = first; row < std::min(first + kPart, side.count); ++row) {
                uint32_t* own_words = words.data() + (row - first) * panels.steps;
                Type* components = reinterpret_cast<Type*>(own_words);
                panels.roundings[row] = run_widest<RoundVector<Encode>>(
                    side.vectors + row * dims, dims, side.scales ? side.scales[row] : 1.0,
                    mean.data(), other_mean.data(), panels.step, components);
                if (Format::kGroup == 4)
                    panels.sums[row] = std::accumulate(components, components + dims, int32_t{0});
            }
            const uint32_t flip = offset ? 0x80808080u : 0;
            lay_out<kPart>(words.data(), panels.steps, kWidth, flip, panel + part);
        }
    });
}
