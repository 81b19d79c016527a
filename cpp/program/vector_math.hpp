// The functions of <cmath> on numbers of lanes.hpp.
#pragma once

#include <cmath>

#include "lanes.hpp"

namespace megagrad::MEGAGRAD_ISA {

#define MEGAGRAD_LANE_BY_LANE(function)                                       \
    template <class T>                                                        \
    MEGAGRAD_NOINLINE T function(T x) {                                       \
        return for_each_lane(x, [](double lane) { return std::function(lane); }); \
    }
MEGAGRAD_LANE_BY_LANE(exp)
MEGAGRAD_LANE_BY_LANE(expm1)
MEGAGRAD_LANE_BY_LANE(log)
MEGAGRAD_LANE_BY_LANE(log1p)
MEGAGRAD_LANE_BY_LANE(cbrt)
MEGAGRAD_LANE_BY_LANE(sin)
MEGAGRAD_LANE_BY_LANE(cos)
MEGAGRAD_LANE_BY_LANE(tan)
MEGAGRAD_LANE_BY_LANE(asin)
MEGAGRAD_LANE_BY_LANE(acos)
MEGAGRAD_LANE_BY_LANE(atan)
MEGAGRAD_LANE_BY_LANE(sinh)
MEGAGRAD_LANE_BY_LANE(cosh)
MEGAGRAD_LANE_BY_LANE(tanh)
MEGAGRAD_LANE_BY_LANE(erf)
MEGAGRAD_LANE_BY_LANE(erfc)
#undef MEGAGRAD_LANE_BY_LANE

template <class T>
MEGAGRAD_NOINLINE T pow(T x, T y) {
    return for_each_lane(x, y, [](double a, double b) { return std::pow(a, b); });
}

}  // namespace megagrad::MEGAGRAD_ISA
