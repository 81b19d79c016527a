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

#include "platform/compiler.hpp"
#include "program/kernels/isa.hpp"
#include "program/kernels/simd.hpp"

namespace megagrad::MEGAGRAD_ISA {

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
template <int places>
MEGAGRAD_INLINE std::uint64_t shifted_left(std::uint64_t bits) {
    return bits << places;
}
template <int places>
MEGAGRAD_INLINE std::uint64_t shifted_right(std::uint64_t bits) {
    return bits >> places;
}
// a * b + c, rounded once where the instruction set can.
MEGAGRAD_INLINE Lane fma(Lane a, Lane b, Lane c) {
    if constexpr (has_fma)
        return Lane(simd::fused(a.value, b.value, c.value));
    else
        return a * b + c;
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

MEGAGRAD_INLINE Lane fabs(Lane x) { return Lane(std::fabs(x.value)); }

#if defined(MEGAGRAD_ONE_LANE)

using Lanes = Lane;

#else

struct Lanes {
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

    Lanes() = default;
    MEGAGRAD_INLINE explicit Lanes(double number) : value(simd::all_numbers(number)) {}
    MEGAGRAD_INLINE Lanes(simd::Numbers numbers) : value(numbers) {}

    MEGAGRAD_INLINE static Lanes load(const double* from) { return simd::load(from); }
    MEGAGRAD_INLINE void store(double* to) const { simd::store(to, value); }

    MEGAGRAD_INLINE friend Lanes operator+(Lanes a, Lanes b) {
        return simd::plus(a.value, b.value);
    }
    MEGAGRAD_INLINE friend Lanes operator-(Lanes a, Lanes b) {
        return simd::minus(a.value, b.value);
    }
    MEGAGRAD_INLINE friend Lanes operator*(Lanes a, Lanes b) {
        return simd::times(a.value, b.value);
    }
    MEGAGRAD_INLINE friend Lanes operator/(Lanes a, Lanes b) {
        return simd::over(a.value, b.value);
    }
    MEGAGRAD_INLINE friend Mask operator<(Lanes a, Lanes b) {
        return {simd::less(a.value, b.value)};
    }
    MEGAGRAD_INLINE friend Mask operator<=(Lanes a, Lanes b) {
        return {simd::at_most(a.value, b.value)};
    }
    MEGAGRAD_INLINE friend Mask operator==(Lanes a, Lanes b) {
        return {simd::equal(a.value, b.value)};
    }
    MEGAGRAD_INLINE friend Mask operator!=(Lanes a, Lanes b) {
        return {simd::unequal(a.value, b.value)};
    }
    MEGAGRAD_INLINE friend Mask operator>(Lanes a, Lanes b) { return b < a; }
    MEGAGRAD_INLINE friend Mask operator>=(Lanes a, Lanes b) { return b <= a; }
};

MEGAGRAD_INLINE Lanes where(Lanes::Mask mask, Lanes yes, Lanes no) {
    return simd::choose(mask.value, yes.value, no.value);
}
MEGAGRAD_INLINE bool any(Lanes::Mask mask) { return simd::is_any(mask.value); }

MEGAGRAD_INLINE Lanes::Bits bits(Lanes x) { return simd::as_integers(x.value); }
MEGAGRAD_INLINE Lanes from_bits(Lanes, Lanes::Bits bits) { return simd::as_numbers(bits.value); }
template <int places>
MEGAGRAD_INLINE Lanes::Bits shifted_left(Lanes::Bits bits) {
    return simd::bits_left<places>(bits.value);
}
template <int places>
MEGAGRAD_INLINE Lanes::Bits shifted_right(Lanes::Bits bits) {
    return simd::bits_right<places>(bits.value);
}
MEGAGRAD_INLINE Lanes operator-(Lanes x) {
    return from_bits(x, bits(x) ^ (std::uint64_t{1} << 63));
}
MEGAGRAD_INLINE Lanes fabs(Lanes x) { return from_bits(x, bits(x) & ~(std::uint64_t{1} << 63)); }

MEGAGRAD_INLINE Lanes fma(Lanes a, Lanes b, Lanes c) {
    if constexpr (has_fma)
        return simd::fused(a.value, b.value, c.value);
    else
        return a * b + c;
}
MEGAGRAD_INLINE Lanes sqrt(Lanes x) { return simd::square_root(x.value); }

template <class Function>
MEGAGRAD_INLINE Lanes for_each_lane(Lanes x, Function f) {
    double lanes[Lanes::width];
    x.store(lanes);
    for (double& lane : lanes) lane = f(lane);
    return Lanes::load(lanes);
}
template <class Function>
MEGAGRAD_INLINE Lanes for_each_lane(Lanes x, Lanes y, Function f) {
    double xs[Lanes::width], ys[Lanes::width];
    x.store(xs);
    y.store(ys);
    for (int i = 0; i < Lanes::width; ++i) xs[i] = f(xs[i], ys[i]);
    return Lanes::load(xs);
}

// Halves are added until one number is left.
MEGAGRAD_INLINE double sum(Lanes x) {
    double lane[Lanes::width];
    x.store(lane);
    for (int half = Lanes::width / 2; half > 0; half /= 2)
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
