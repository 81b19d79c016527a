// The kernels of one instruction set, by number type.
#pragma once

#include "program/plan/plan.hpp"

namespace megagrad {

// What a kernel works on.
struct Block {
    double* registers;
    std::size_t stride;    // from one register to the next
    std::size_t tangents;  // from a number to its tangent, if it has one
    std::size_t points;    // how many there are; a register has room for whole vectors
    const double* uniforms;
    const double* weights;  // the uniform numbers of the cells
    double* cells;          // their gradients
    const Plan* plan;

    double* numbers(Register place) const { return registers + std::size_t{place} * stride; }
    double* numbers(Accumulator grad) const { return numbers(grad.number()); }
    const Affine& affine(const KernelCall& call) const { return plan->affines[call.x]; }
    const Inner& inner(const KernelCall& call) const { return plan->inners[call.x]; }
};

using Kernel = void (*)(const KernelCall&, const Block&);

// By code.
struct Kernels {
    Kernel forward[codes];
    Kernel backward[codes];
};

struct InstructionSet {
    const char* name;
    const Kernels& scalar;  // for single points, and for what is computed once
    const Kernels& vector;  // for blocks
    const Kernels& dual;    // for blocks of numbers with tangents
};

}  // namespace megagrad
