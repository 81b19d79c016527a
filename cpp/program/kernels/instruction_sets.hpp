// The instruction sets that kernels are compiled for. Which one runs is decided by what the
// processor has.
#pragma once

#include <string>
#include <vector>

namespace megagrad {

struct InstructionSet;

// The one in use: at first the best that this processor has.
const InstructionSet& instruction_set();

// Kernels that compute as eager code does: every product and every sum is rounded, and functions
// are the C library's.
const InstructionSet& eager_instruction_set();

// Names of those that run here, the best one first.
std::vector<std::string> instruction_sets();

// Takes another into use; false if there is none of that name.
bool use_instruction_set(const std::string& name);

}  // namespace megagrad
