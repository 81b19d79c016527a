// The functions of <cmath>, as the C library has them, on the numbers of vector.hpp: for programs
// that are to give the bits of eager code.
#pragma once

#include <cmath>

#include "program/vectors/vector.hpp"

namespace megagrad::MEGAGRAD_ISA {

#define MEGAGRAD_OF_LIBRARY(function)                                       \
    template <class T>                                                      \
    MEGAGRAD_INLINE T function(T x) {                                       \
        return for_each_lane(x, [](double y) { return std::function(y); }); \
    }
MEGAGRAD_OF_LIBRARY(exp)
MEGAGRAD_OF_LIBRARY(expm1)
MEGAGRAD_OF_LIBRARY(log)
MEGAGRAD_OF_LIBRARY(log1p)
MEGAGRAD_OF_LIBRARY(cbrt)
MEGAGRAD_OF_LIBRARY(sin)
MEGAGRAD_OF_LIBRARY(cos)
MEGAGRAD_OF_LIBRARY(tan)
MEGAGRAD_OF_LIBRARY(asin)
MEGAGRAD_OF_LIBRARY(acos)
MEGAGRAD_OF_LIBRARY(atan)
MEGAGRAD_OF_LIBRARY(sinh)
MEGAGRAD_OF_LIBRARY(cosh)
MEGAGRAD_OF_LIBRARY(tanh)
MEGAGRAD_OF_LIBRARY(erf)
MEGAGRAD_OF_LIBRARY(erfc)
#undef MEGAGRAD_OF_LIBRARY

template <class T>
MEGAGRAD_INLINE T pow(T x, T y) {
    return for_each_lane(x, y, [](double a, double b) { return std::pow(a, b); });
}

}  // namespace megagrad::MEGAGRAD_ISA
