// The functions that the op table's formulas may call besides <cmath>'s own,
// written so that they keep their accuracy far from zero. Templates over the number type: what
// they call is found in <cmath> for double, and beside the type for others.
#pragma once

#include <cmath>
#include <limits>

namespace megagrad {

// Both branches are evaluated; the choice is by value, so that a formula reads
// the same for a scalar and for a block of lanes.
constexpr double where(bool condition, double yes, double no) { return condition ? yes : no; }

// Whether it holds for any number of a block.
constexpr bool any(bool condition) { return condition; }

// What a slope passes on of an upstream gradient: their product, but 0 if either of them is 0, even
// if the other is infinite or NaN. So what was not chosen contributes nothing.
template <class T>
inline T share(T slope, T upstream) {
    const T product = slope * upstream;
    if (any(product != product)) [[unlikely]]
        return where(slope == T(0) || upstream == T(0), T(0), product);
    return product;
}

// NaN has none, and 0 neither.
template <class T>
inline T sign(T x) {
    return where(x > T(0), T(1), where(x < T(0), T(-1), T(0)));
}

// 1 / (1 + e^-x). The exponential's argument is never positive, so it cannot overflow.
template <class T>
inline T sigmoid(T x) {
    using std::exp, std::fabs;
    const T e = exp(-fabs(x));
    return where(x < T(0), e, T(1)) / (T(1) + e);
}

// Its derivative.
template <class T>
inline T sigmoid_slope(T x) {
    return sigmoid(x) * sigmoid(-x);
}

// 1 - x^2, accurate where it is small.
template <class T>
inline T one_minus_square(T x) {
    return (T(1) - x) * (T(1) + x);
}

// log(1 + e^x) without overflow, and without losing e^x beside 1.
template <class T>
inline T softplus(T x) {
    using std::exp, std::fabs, std::log1p;
    return where(x > T(0), x, T(0)) + log1p(exp(-fabs(x)));
}

// Within these bounds e^(-x^2 / 2) and all that it is a factor of go down to 0.
template <class T>
inline T within_bell(T x) {
    return where(x > T(40), T(40), where(x < T(-40), T(-40), x));
}

// What x * y, rounded, lost (Dekker), for numbers that are not near to the largest.
template <class T>
inline T leading_half(T x) {
    const T moved = T(0x1p27 + 1) * x;
    return moved - (moved - x);
}
template <class T>
inline T lost_by_product(T x, T y, T product) {
    const T x1 = leading_half(x), y1 = leading_half(y), x2 = x - x1, y2 = y - y1;
    return ((x1 * y1 - product) + x1 * y2 + x2 * y1) + x2 * y2;
}

// e^(-x^2) and e^(-x^2 / 2). A last place of the square would be hundreds of the power's.
template <class T>
inline T exp_of_minus_square(T x, T factor = T(1)) {
    using std::exp;
    const T bounded = within_bell(x), square = bounded * bounded;
    const T power = exp(-factor * square);
    return power - power * (factor * lost_by_product(bounded, bounded, square));
}

// The standard normal distribution: density and cumulative (Abramowitz & Stegun 26.2).
template <class T>
inline T normal_pdf(T x) {
    return T(0.39894228040143267794) * exp_of_minus_square(x, T(0.5));
}
// erfc keeps the left tail's digits, where (1 + erf) / 2 would cancel. It falls as e^(-x^2) there,
// so that its argument, scaled + lost, may lose no last place either.
template <class T>
inline T normal_cdf(T x) {
    using std::erfc;
    const T bounded = within_bell(x), root(0.70710678118654752440),
            root_low(-0x1.bdd3413b26456p-55);
    const T scaled = bounded * root, y = T(0.5) * erfc(-scaled);
    const T lost = lost_by_product(bounded, root, scaled) + bounded * root_low;
    return y - y * (T(2) * where(scaled < T(0), scaled, T(0)) * lost);
}

// NaN if either is NaN, as in NumPy and PyTorch.
template <class T>
inline T maximum(T x, T y) {
    return where(x > y || x != x, x, y);
}
template <class T>
inline T minimum(T x, T y) {
    return where(x < y || x != x, x, y);
}

// What counts as a number in a derivative. Dual numbers have versions of their own, by the table.
template <class T>
inline T detach(T x) {
    return x;
}
// x - y, for a y that keeps exp(x - y) from overflowing: where both are infinite, they cancel.
template <class T>
inline T shifted(T x, T y) {
    return where(x == y, T(0), x - y);
}

}  // namespace megagrad
