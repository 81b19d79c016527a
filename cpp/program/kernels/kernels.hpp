// The kernels of one instruction set, by number type.
#pragma once

#include "program/plan/plan.hpp"

namespace megagrad {

// What a kernel works on.
struct Block {
    double* rows;
    std::size_t stride;    // from one row to the next
    std::size_t tangents;  // from a number to its tangent, if it has one
    std::size_t lanes;     // how many points there are; a row has room for whole vectors
    const double* uniforms;
    const double* weights;  // the uniform numbers of the cells
    double* cells;          // their gradients
    const Plan* plan;

    double* row(Slot slot) const { return rows + std::size_t{slot} * stride; }
    const Affine& affine(const Step& step) const { return plan->affines[step.x]; }
    const Inner& inner(const Step& step) const { return plan->inners[step.x]; }
};

using Kernel = void (*)(const Step&, const Block&);

// By code.
struct Kernels {
    Kernel forward[codes];
    Kernel backward[codes];
};

struct InstructionSet {
    const char* name;
    const Kernels& lane;   // for single points, and for what is computed once
    const Kernels& lanes;  // for blocks
    const Kernels& duals;  // for blocks of numbers with tangents
};

}  // namespace megagrad
