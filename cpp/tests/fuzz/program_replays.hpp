// A program that was read, run in all ways.
#pragma once

#include "program/program.hpp"

namespace megagrad::test {

// Ends the process, so that the fuzzer keeps the input.
void expect(bool holds, const char* what);

// Values, gradients and second derivatives, with every instruction set of this processor; a point
// has the same bits alone, in a batch, and on any number of threads.
void check_replays(const Program& program);

}  // namespace megagrad::test
