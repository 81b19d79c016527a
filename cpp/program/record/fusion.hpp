// The last step of recording: what no output needs is dropped, and sums of products become dots.
// A dot adds in the order that was written: ((a + b) + c) + d is one, (a + b) + (c + d) is two.
#pragma once

#include <vector>

#include "program/record/draft.hpp"

namespace megagrad {

// The program that computes `outputs`. May throw std::length_error.
Program fused(const Draft& draft, const std::vector<Ref>& outputs);

}  // namespace megagrad
