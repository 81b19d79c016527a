// Numbers with a tangent: what a formula gives for them is its value and its derivative in the
// tangents' direction. The rules are the op table's own, so a gradient computed on duals gives
// second derivatives.
#pragma once

#include "graph/op.hpp"
#include "program/vectors/vector.hpp"
#ifdef MEGAGRAD_EAGER
#include "program/vectors/math/library.hpp"
#else
#include "program/vectors/math/math.hpp"
#endif

namespace megagrad::MEGAGRAD_ISA {

template <class T>
struct Dual {
    static constexpr int width = T::width;

    T value, tangent;

    Dual() = default;
    MEGAGRAD_INLINE explicit Dual(double number) : value(number), tangent(0.0) {}
    MEGAGRAD_INLINE Dual(T value_, T tangent_) : value(value_), tangent(tangent_) {}

    MEGAGRAD_INLINE friend auto operator<(Dual a, Dual b) { return a.value < b.value; }
    MEGAGRAD_INLINE friend auto operator>(Dual a, Dual b) { return a.value > b.value; }
    MEGAGRAD_INLINE friend auto operator<=(Dual a, Dual b) { return a.value <= b.value; }
    MEGAGRAD_INLINE friend auto operator>=(Dual a, Dual b) { return a.value >= b.value; }
    MEGAGRAD_INLINE friend auto operator==(Dual a, Dual b) { return a.value == b.value; }
    MEGAGRAD_INLINE friend auto operator!=(Dual a, Dual b) { return a.value != b.value; }
};

using megagrad::share;

// An entry of the op table on duals: its value, and its derivatives' shares of the tangents. So a
// tangent is by the same formula as a gradient, at a kink, too.
template <class Formulas, class T>
MEGAGRAD_INLINE Dual<T> chain(Dual<T> x, Dual<T> y) {
    const T z = Formulas::forward(x.value, y.value);
    const T by_x = share(Formulas::dx(x.value, y.value, z), x.tangent);
    if constexpr (Formulas::kind == Kind::infix || Formulas::kind == Kind::binary)
        return {z, by_x + share(Formulas::dy(x.value, y.value, z), y.tangent)};
    else
        return {z, by_x};
}
template <class Formulas, class T>
MEGAGRAD_INLINE Dual<T> chain(Dual<T> x) {
    return chain<Formulas>(x, Dual<T>(0.0));
}

template <class T>
MEGAGRAD_INLINE Dual<T> share(Dual<T> slope, Dual<T> upstream) {
    return {share(slope.value, upstream.value),
            share(slope.tangent, upstream.value) + share(slope.value, upstream.tangent)};
}

#define MEGAGRAD_DUAL_1(function, row)            \
    template <class T>                            \
    MEGAGRAD_INLINE Dual<T> function(Dual<T> x) { \
        return chain<formula::row##_>(x);         \
    }
#define MEGAGRAD_DUAL_2(function, row)                       \
    template <class T>                                       \
    MEGAGRAD_INLINE Dual<T> function(Dual<T> x, Dual<T> y) { \
        return chain<formula::row##_>(x, y);                 \
    }
MEGAGRAD_DUAL_2(operator+, add)
MEGAGRAD_DUAL_2(operator-, sub)
MEGAGRAD_DUAL_2(operator*, mul)
MEGAGRAD_DUAL_2(operator/, div)
MEGAGRAD_DUAL_2(pow, pow)
MEGAGRAD_DUAL_2(maximum, maximum)
MEGAGRAD_DUAL_2(minimum, minimum)
MEGAGRAD_DUAL_2(shifted, shifted)
MEGAGRAD_DUAL_1(operator-, neg)
MEGAGRAD_DUAL_1(fabs, abs)
MEGAGRAD_DUAL_1(exp, exp)
MEGAGRAD_DUAL_1(expm1, expm1)
MEGAGRAD_DUAL_1(log, log)
MEGAGRAD_DUAL_1(log1p, log1p)
MEGAGRAD_DUAL_1(sqrt, sqrt)
MEGAGRAD_DUAL_1(cbrt, cbrt)
MEGAGRAD_DUAL_1(sin, sin)
MEGAGRAD_DUAL_1(cos, cos)
MEGAGRAD_DUAL_1(tan, tan)
MEGAGRAD_DUAL_1(asin, arcsin)
MEGAGRAD_DUAL_1(acos, arccos)
MEGAGRAD_DUAL_1(atan, arctan)
MEGAGRAD_DUAL_1(sinh, sinh)
MEGAGRAD_DUAL_1(cosh, cosh)
MEGAGRAD_DUAL_1(tanh, tanh)
MEGAGRAD_DUAL_1(erf, erf)
MEGAGRAD_DUAL_1(sigmoid, sigmoid)
MEGAGRAD_DUAL_1(softplus, softplus)
MEGAGRAD_DUAL_1(detach, detach)
#undef MEGAGRAD_DUAL_1
#undef MEGAGRAD_DUAL_2

template <class T>
MEGAGRAD_INLINE Dual<T> where(typename T::Mask mask, Dual<T> yes, Dual<T> no) {
    return {where(mask, yes.value, no.value), where(mask, yes.tangent, no.tangent)};
}
template <class T>
MEGAGRAD_INLINE Dual<T> sign(Dual<T> x) {
    return {megagrad::sign(x.value), T(0.0)};
}
// Where differentiating the formula itself would cancel.
template <class T>
MEGAGRAD_INLINE Dual<T> sigmoid_slope(Dual<T> x) {
    const T y = megagrad::sigmoid_slope(x.value);
    return {y, share(-y * tanh(T(0.5) * x.value), x.tangent)};
}
template <class T>
MEGAGRAD_INLINE Dual<T> one_minus_square(Dual<T> x) {
    return {megagrad::one_minus_square(x.value), share(T(-2.0) * x.value, x.tangent)};
}
template <class T>
MEGAGRAD_INLINE Dual<T> exp_of_minus_square(Dual<T> x, Dual<T> factor = Dual<T>(1.0)) {
    const T y = megagrad::exp_of_minus_square(x.value, factor.value);
    return {y, share(T(-2.0) * factor.value * within_bell(x.value) * y, x.tangent)};
}
template <class T>
MEGAGRAD_INLINE Dual<T> normal_cdf(Dual<T> x) {
    return {megagrad::normal_cdf(x.value), share(megagrad::normal_pdf(x.value), x.tangent)};
}

}  // namespace megagrad::MEGAGRAD_ISA
