// The functions of <cmath> on the numbers of vector.hpp, for the kernels: exp, expm1, log, log1p,
// pow, cbrt, sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, erf, erfc. They are found beside
// the number type, give the same bits in every lane, and stay within 2 ulp (most within 1).
//
// All lanes take the same way, and `where` picks; what is rare is tested for with `any`. Nothing
// depends on fma() being one: its rounding is the only difference between instruction sets.
#pragma once

#include "program/vectors/math/erf.hpp"
#include "program/vectors/math/exp.hpp"
#include "program/vectors/math/log.hpp"
#include "program/vectors/math/trig.hpp"
