// The numbers that kernels compute on: `Vector`, as many as one instruction takes, and `Scalar`, a
// single one. Code that is a template over the two gives the same bits in every lane.
//
// The files that include this are compiled once for each instruction set, and once as
// MEGAGRAD_EAGER, which computes as eager code does, without fma; all that
// they define is in a namespace of that instruction set's name, so that the linker cannot mix them.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "platform/compiler.hpp"
#include "program/vectors/simd.hpp"

namespace megagrad::MEGAGRAD_ISA {

// One number. Masks are bool; bits are unsigned, so that adding to them may go beyond the last one.
struct Scalar {
    static constexpr int width = 1;
    using Bits = std::uint64_t;
    using Mask = bool;

    double value;

    Scalar() = default;
    MEGAGRAD_INLINE explicit Scalar(double number) : value(number) {}

    MEGAGRAD_INLINE static Scalar load(const double* from) { return Scalar(*from); }
    MEGAGRAD_INLINE void store(double* to) const { *to = value; }

    MEGAGRAD_INLINE friend Scalar operator+(Scalar a, Scalar b) {
        return Scalar(a.value + b.value);
    }
    MEGAGRAD_INLINE friend Scalar operator-(Scalar a, Scalar b) {
        return Scalar(a.value - b.value);
    }
    MEGAGRAD_INLINE friend Scalar operator*(Scalar a, Scalar b) {
        return Scalar(a.value * b.value);
    }
    MEGAGRAD_INLINE friend Scalar operator/(Scalar a, Scalar b) {
        return Scalar(a.value / b.value);
    }
    MEGAGRAD_INLINE friend Scalar operator-(Scalar a) { return Scalar(-a.value); }
    MEGAGRAD_INLINE friend bool operator<(Scalar a, Scalar b) { return a.value < b.value; }
    MEGAGRAD_INLINE friend bool operator>(Scalar a, Scalar b) { return a.value > b.value; }
    MEGAGRAD_INLINE friend bool operator<=(Scalar a, Scalar b) { return a.value <= b.value; }
    MEGAGRAD_INLINE friend bool operator>=(Scalar a, Scalar b) { return a.value >= b.value; }
    MEGAGRAD_INLINE friend bool operator==(Scalar a, Scalar b) { return a.value == b.value; }
    MEGAGRAD_INLINE friend bool operator!=(Scalar a, Scalar b) { return a.value != b.value; }
};

MEGAGRAD_INLINE Scalar where(bool mask, Scalar yes, Scalar no) { return mask ? yes : no; }
MEGAGRAD_INLINE bool any(bool mask) { return mask; }
MEGAGRAD_INLINE std::uint64_t bits(Scalar x) { return std::bit_cast<std::uint64_t>(x.value); }
MEGAGRAD_INLINE Scalar from_bits(Scalar, std::uint64_t bits) {
    return Scalar(std::bit_cast<double>(bits));
}
template <int places>
MEGAGRAD_INLINE std::uint64_t shifted_left(std::uint64_t bits) {
    return bits << places;
}
template <int places>
MEGAGRAD_INLINE std::uint64_t shifted_right(std::uint64_t bits) {
    return bits >> places;
}
// a * b + c, rounded once where the instruction set can.
MEGAGRAD_INLINE Scalar fma(Scalar a, Scalar b, Scalar c) {
    if constexpr (has_fma)
        return Scalar(simd::fused(a.value, b.value, c.value));
    else
        return a * b + c;
}
MEGAGRAD_INLINE Scalar sqrt(Scalar x) { return Scalar(std::sqrt(x.value)); }
MEGAGRAD_INLINE double sum(Scalar x) { return x.value; }
// Calls f(double) on every lane: for what is too rare to be worth vector code.
template <class Function>
MEGAGRAD_INLINE Scalar for_each_lane(Scalar x, Function f) {
    return Scalar(f(x.value));
}
template <class Function>
MEGAGRAD_INLINE Scalar for_each_lane(Scalar x, Scalar y, Function f) {
    return Scalar(f(x.value, y.value));
}

MEGAGRAD_INLINE Scalar fabs(Scalar x) { return Scalar(std::fabs(x.value)); }

#if defined(MEGAGRAD_ONE_LANE)

using Vector = Scalar;

#else

struct Vector {
    static constexpr int width = simd::width;

    // Unsigned integers, too, wrap around.
    struct Bits {
        simd::Integers value;

        MEGAGRAD_INLINE Bits(simd::Integers integers) : value(integers) {}
        MEGAGRAD_INLINE Bits(std::uint64_t number)
            : value(simd::all_integers(static_cast<std::int64_t>(number))) {}

        MEGAGRAD_INLINE friend Bits operator+(Bits a, Bits b) {
            return simd::integers_plus(a.value, b.value);
        }
        MEGAGRAD_INLINE friend Bits operator-(Bits a, Bits b) {
            return simd::integers_minus(a.value, b.value);
        }
        MEGAGRAD_INLINE friend Bits operator-(Bits a) { return Bits(std::uint64_t{0}) - a; }
        MEGAGRAD_INLINE friend Bits operator&(Bits a, Bits b) {
            return simd::bits_and(a.value, b.value);
        }
        MEGAGRAD_INLINE friend Bits operator|(Bits a, Bits b) {
            return simd::bits_or(a.value, b.value);
        }
        MEGAGRAD_INLINE friend Bits operator^(Bits a, Bits b) {
            return simd::bits_xor(a.value, b.value);
        }
        MEGAGRAD_INLINE friend Bits operator~(Bits a) { return a ^ ~std::uint64_t{0}; }
    };

    struct Mask {
        simd::Truths value;

        MEGAGRAD_INLINE friend Mask operator&&(Mask a, Mask b) {
            return {simd::both(a.value, b.value)};
        }
        MEGAGRAD_INLINE friend Mask operator||(Mask a, Mask b) {
            return {simd::either(a.value, b.value)};
        }
        MEGAGRAD_INLINE friend Mask operator!(Mask a) { return {simd::opposite(a.value)}; }
    };

    simd::Numbers value;

    Vector() = default;
    MEGAGRAD_INLINE explicit Vector(double number) : value(simd::all_numbers(number)) {}
    MEGAGRAD_INLINE Vector(simd::Numbers numbers) : value(numbers) {}

    MEGAGRAD_INLINE static Vector load(const double* from) { return simd::load(from); }
    MEGAGRAD_INLINE void store(double* to) const { simd::store(to, value); }

    MEGAGRAD_INLINE friend Vector operator+(Vector a, Vector b) {
        return simd::plus(a.value, b.value);
    }
    MEGAGRAD_INLINE friend Vector operator-(Vector a, Vector b) {
        return simd::minus(a.value, b.value);
    }
    MEGAGRAD_INLINE friend Vector operator*(Vector a, Vector b) {
        return simd::times(a.value, b.value);
    }
    MEGAGRAD_INLINE friend Vector operator/(Vector a, Vector b) {
        return simd::over(a.value, b.value);
    }
    MEGAGRAD_INLINE friend Mask operator<(Vector a, Vector b) {
        return {simd::less(a.value, b.value)};
    }
    MEGAGRAD_INLINE friend Mask operator<=(Vector a, Vector b) {
        return {simd::at_most(a.value, b.value)};
    }
    MEGAGRAD_INLINE friend Mask operator==(Vector a, Vector b) {
        return {simd::equal(a.value, b.value)};
    }
    MEGAGRAD_INLINE friend Mask operator!=(Vector a, Vector b) {
        return {simd::unequal(a.value, b.value)};
    }
    MEGAGRAD_INLINE friend Mask operator>(Vector a, Vector b) { return b < a; }
    MEGAGRAD_INLINE friend Mask operator>=(Vector a, Vector b) { return b <= a; }
};

MEGAGRAD_INLINE Vector where(Vector::Mask mask, Vector yes, Vector no) {
    return simd::choose(mask.value, yes.value, no.value);
}
MEGAGRAD_INLINE bool any(Vector::Mask mask) { return simd::is_any(mask.value); }

MEGAGRAD_INLINE Vector::Bits bits(Vector x) { return simd::as_integers(x.value); }
MEGAGRAD_INLINE Vector from_bits(Vector, Vector::Bits bits) { return simd::as_numbers(bits.value); }
template <int places>
MEGAGRAD_INLINE Vector::Bits shifted_left(Vector::Bits bits) {
    return simd::bits_left<places>(bits.value);
}
template <int places>
MEGAGRAD_INLINE Vector::Bits shifted_right(Vector::Bits bits) {
    return simd::bits_right<places>(bits.value);
}
MEGAGRAD_INLINE Vector operator-(Vector x) {
    return from_bits(x, bits(x) ^ (std::uint64_t{1} << 63));
}
MEGAGRAD_INLINE Vector fabs(Vector x) { return from_bits(x, bits(x) & ~(std::uint64_t{1} << 63)); }

MEGAGRAD_INLINE Vector fma(Vector a, Vector b, Vector c) {
    if constexpr (has_fma)
        return simd::fused(a.value, b.value, c.value);
    else
        return a * b + c;
}
MEGAGRAD_INLINE Vector sqrt(Vector x) { return simd::square_root(x.value); }

template <class Function>
MEGAGRAD_INLINE Vector for_each_lane(Vector x, Function f) {
    double lanes[Vector::width];
    x.store(lanes);
    for (double& lane : lanes) lane = f(lane);
    return Vector::load(lanes);
}
template <class Function>
MEGAGRAD_INLINE Vector for_each_lane(Vector x, Vector y, Function f) {
    double xs[Vector::width], ys[Vector::width];
    x.store(xs);
    y.store(ys);
    for (int i = 0; i < Vector::width; ++i) xs[i] = f(xs[i], ys[i]);
    return Vector::load(xs);
}

// Halves are added until one number is left.
MEGAGRAD_INLINE double sum(Vector x) {
    double lane[Vector::width];
    x.store(lane);
    for (int half = Vector::width / 2; half > 0; half /= 2)
        for (int i = 0; i < half; ++i) lane[i] += lane[i + half];
    return lane[0];
}

#endif

// x with the sign of y.
template <class T>
MEGAGRAD_INLINE T copysign(T x, T y) {
    constexpr std::uint64_t magnitude = 0x7fffffffffffffff;
    return from_bits(x, (bits(x) & magnitude) | (bits(y) & ~magnitude));
}

}  // namespace megagrad::MEGAGRAD_ISA
