// The numbers that kernels compute on: `Lanes`, as many as one instruction takes, and `Lane`, a
// single one. Code that is a template over the two gives the same bits in every lane.
//
// The files that include this are compiled once for each instruction set, see isa.hpp, and once as
// MEGAGRAD_EAGER, which computes as eager code does, without fma; all that
// they define is in a namespace of that instruction set's name, so that the linker cannot mix them.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "compiler.hpp"
#include "isa.hpp"

#if defined(__AVX2__) || defined(__SSE2__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace megagrad::MEGAGRAD_ISA {

#if !defined(MEGAGRAD_EAGER) && (defined(__FMA__) || defined(__AVX512F__) || defined(__FP_FAST_FMA))
inline constexpr bool has_fma = true;
#else
inline constexpr bool has_fma = false;
#endif

// One number. Masks are bool; bits are unsigned, so that adding to them may go beyond the last one.
struct Lane {
    static constexpr int width = 1;
    using Bits = std::uint64_t;
    using Mask = bool;

    double value;

    Lane() = default;
    MEGAGRAD_INLINE explicit Lane(double number) : value(number) {}

    MEGAGRAD_INLINE static Lane load(const double* from) { return Lane(*from); }
    MEGAGRAD_INLINE void store(double* to) const { *to = value; }

    MEGAGRAD_INLINE friend Lane operator+(Lane a, Lane b) { return Lane(a.value + b.value); }
    MEGAGRAD_INLINE friend Lane operator-(Lane a, Lane b) { return Lane(a.value - b.value); }
    MEGAGRAD_INLINE friend Lane operator*(Lane a, Lane b) { return Lane(a.value * b.value); }
    MEGAGRAD_INLINE friend Lane operator/(Lane a, Lane b) { return Lane(a.value / b.value); }
    MEGAGRAD_INLINE friend Lane operator-(Lane a) { return Lane(-a.value); }
    MEGAGRAD_INLINE friend bool operator<(Lane a, Lane b) { return a.value < b.value; }
    MEGAGRAD_INLINE friend bool operator>(Lane a, Lane b) { return a.value > b.value; }
    MEGAGRAD_INLINE friend bool operator<=(Lane a, Lane b) { return a.value <= b.value; }
    MEGAGRAD_INLINE friend bool operator>=(Lane a, Lane b) { return a.value >= b.value; }
    MEGAGRAD_INLINE friend bool operator==(Lane a, Lane b) { return a.value == b.value; }
    MEGAGRAD_INLINE friend bool operator!=(Lane a, Lane b) { return a.value != b.value; }
};

MEGAGRAD_INLINE Lane where(bool mask, Lane yes, Lane no) { return mask ? yes : no; }
MEGAGRAD_INLINE bool any(bool mask) { return mask; }
MEGAGRAD_INLINE std::uint64_t bits(Lane x) { return std::bit_cast<std::uint64_t>(x.value); }
MEGAGRAD_INLINE Lane from_bits(Lane, std::uint64_t bits) {
    return Lane(std::bit_cast<double>(bits));
}
// a * b + c, rounded once where the instruction set can.
MEGAGRAD_INLINE Lane fma(Lane a, Lane b, Lane c) {
    return Lane(has_fma ? std::fma(a.value, b.value, c.value) : a.value * b.value + c.value);
}
MEGAGRAD_INLINE Lane sqrt(Lane x) { return Lane(std::sqrt(x.value)); }
MEGAGRAD_INLINE double sum(Lane x) { return x.value; }
// Calls f(double) on every lane: for what is too rare to be worth vector code.
template <class Function>
MEGAGRAD_INLINE Lane for_each_lane(Lane x, Function f) {
    return Lane(f(x.value));
}
template <class Function>
MEGAGRAD_INLINE Lane for_each_lane(Lane x, Lane y, Function f) {
    return Lane(f(x.value, y.value));
}

#if defined(__GNUC__)

#if defined(__AVX512F__) && defined(__AVX512DQ__)
inline constexpr int native_width = 8;
#elif defined(__AVX2__) && defined(__FMA__)
inline constexpr int native_width = 4;
#else
inline constexpr int native_width = 2;
#endif

struct Lanes {
    static constexpr int width = native_width;
    using Vector [[gnu::vector_size(native_width * 8)]] = double;
    using Bits [[gnu::vector_size(native_width * 8)]] = std::uint64_t;

    struct Mask {
        using Truth [[gnu::vector_size(native_width * 8)]] =
            std::int64_t;  // as comparisons give it
        Truth bits;        // of a lane: all 1 or all 0

        MEGAGRAD_INLINE friend Mask operator&&(Mask a, Mask b) { return {a.bits & b.bits}; }
        MEGAGRAD_INLINE friend Mask operator||(Mask a, Mask b) { return {a.bits | b.bits}; }
        MEGAGRAD_INLINE friend Mask operator!(Mask a) { return {~a.bits}; }
    };

    Vector value;

    Lanes() = default;
    MEGAGRAD_INLINE explicit Lanes(double number) : value(number - Vector{}) {}
    MEGAGRAD_INLINE explicit Lanes(Vector vector) : value(vector) {}

    MEGAGRAD_INLINE static Lanes load(const double* from) {
        Lanes result;
        __builtin_memcpy(&result.value, from, sizeof(Vector));
        return result;
    }
    MEGAGRAD_INLINE void store(double* to) const { __builtin_memcpy(to, &value, sizeof(Vector)); }

    MEGAGRAD_INLINE friend Lanes operator+(Lanes a, Lanes b) { return Lanes(a.value + b.value); }
    MEGAGRAD_INLINE friend Lanes operator-(Lanes a, Lanes b) { return Lanes(a.value - b.value); }
    MEGAGRAD_INLINE friend Lanes operator*(Lanes a, Lanes b) { return Lanes(a.value * b.value); }
    MEGAGRAD_INLINE friend Lanes operator/(Lanes a, Lanes b) { return Lanes(a.value / b.value); }
    MEGAGRAD_INLINE friend Lanes operator-(Lanes a) { return Lanes(-a.value); }
    MEGAGRAD_INLINE friend Mask operator<(Lanes a, Lanes b) { return {a.value < b.value}; }
    MEGAGRAD_INLINE friend Mask operator>(Lanes a, Lanes b) { return {a.value > b.value}; }
    MEGAGRAD_INLINE friend Mask operator<=(Lanes a, Lanes b) { return {a.value <= b.value}; }
    MEGAGRAD_INLINE friend Mask operator>=(Lanes a, Lanes b) { return {a.value >= b.value}; }
    MEGAGRAD_INLINE friend Mask operator==(Lanes a, Lanes b) { return {a.value == b.value}; }
    MEGAGRAD_INLINE friend Mask operator!=(Lanes a, Lanes b) { return {a.value != b.value}; }
};

MEGAGRAD_INLINE Lanes where(Lanes::Mask mask, Lanes yes, Lanes no) {
    return Lanes(mask.bits ? yes.value : no.value);
}
MEGAGRAD_INLINE bool any(Lanes::Mask mask) {
#if defined(__AVX512F__) && defined(__AVX512DQ__)
    return _mm512_movepi64_mask(__m512i(mask.bits)) != 0;
#elif defined(__AVX2__) && defined(__FMA__)
    return _mm256_movemask_pd(__m256d(mask.bits)) != 0;
#elif defined(__SSE2__)
    return _mm_movemask_pd(__m128d(mask.bits)) != 0;
#else
    std::int64_t all = 0;
    for (int i = 0; i < native_width; ++i) all |= mask.bits[i];
    return all != 0;
#endif
}
MEGAGRAD_INLINE Lanes::Bits bits(Lanes x) { return reinterpret_cast<Lanes::Bits>(x.value); }
MEGAGRAD_INLINE Lanes from_bits(Lanes, Lanes::Bits bits) {
    return Lanes(reinterpret_cast<Lanes::Vector>(bits));
}

MEGAGRAD_INLINE Lanes fma(Lanes a, Lanes b, Lanes c) {
#if defined(MEGAGRAD_EAGER)
    return Lanes(a.value * b.value + c.value);
#elif defined(__AVX512F__) && defined(__AVX512DQ__)
    return Lanes(Lanes::Vector(_mm512_fmadd_pd(a.value, b.value, c.value)));
#elif defined(__AVX2__) && defined(__FMA__)
    return Lanes(Lanes::Vector(_mm256_fmadd_pd(a.value, b.value, c.value)));
#elif defined(__aarch64__)
    return Lanes(Lanes::Vector(vfmaq_f64(c.value, a.value, b.value)));
#else
    return Lanes(a.value * b.value + c.value);
#endif
}

MEGAGRAD_INLINE Lanes sqrt(Lanes x) {
#if defined(__AVX512F__) && defined(__AVX512DQ__)
    return Lanes(Lanes::Vector(_mm512_maskz_sqrt_pd(0xff, x.value)));
#elif defined(__AVX2__) && defined(__FMA__)
    return Lanes(Lanes::Vector(_mm256_sqrt_pd(x.value)));
#elif defined(__SSE2__)
    return Lanes(Lanes::Vector(_mm_sqrt_pd(x.value)));
#elif defined(__aarch64__)
    return Lanes(Lanes::Vector(vsqrtq_f64(x.value)));
#else
    Lanes result;
    for (int i = 0; i < native_width; ++i) result.value[i] = std::sqrt(x.value[i]);
    return result;
#endif
}

template <class Function>
MEGAGRAD_INLINE Lanes for_each_lane(Lanes x, Function f) {
    for (int i = 0; i < native_width; ++i) x.value[i] = f(x.value[i]);
    return x;
}
template <class Function>
MEGAGRAD_INLINE Lanes for_each_lane(Lanes x, Lanes y, Function f) {
    for (int i = 0; i < native_width; ++i) x.value[i] = f(x.value[i], y.value[i]);
    return x;
}

// Halves are added until one number is left.
MEGAGRAD_INLINE double sum(Lanes x) {
    double lane[native_width];
    x.store(lane);
    for (int half = native_width / 2; half > 0; half /= 2)
        for (int i = 0; i < half; ++i) lane[i] += lane[i + half];
    return lane[0];
}

#else

using Lanes = Lane;

#endif

MEGAGRAD_INLINE Lane fabs(Lane x) { return Lane(std::fabs(x.value)); }
#if defined(__GNUC__)
MEGAGRAD_INLINE Lanes fabs(Lanes x) {
    return from_bits(x, bits(x) & std::uint64_t{0x7fffffffffffffff});
}
#endif

// x with the sign of y.
template <class T>
MEGAGRAD_INLINE T copysign(T x, T y) {
    constexpr std::uint64_t magnitude = 0x7fffffffffffffff;
    return from_bits(x, (bits(x) & magnitude) | (bits(y) & ~magnitude));
}

}  // namespace megagrad::MEGAGRAD_ISA
