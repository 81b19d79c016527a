// The test framework, and what its checks of numbers need.
#pragma once

#include <doctest/doctest.h>

#include <cmath>

namespace megagrad::test {

inline bool is_close(double actual, double expected, double tolerance) {
    return std::fabs(actual - expected) <= tolerance * (1 + std::fabs(expected));
}

}  // namespace megagrad::test
