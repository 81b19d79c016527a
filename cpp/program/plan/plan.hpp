// How a program is carried out: what is computed once a call, what for every point, by which
// kernel, and in which rows of memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "program/program.hpp"

namespace megagrad {

// Where a number is kept. What is the same for all points is one uniform number; what is not, a row
// of a block's memory, with one number for each of its points.
using Slot = std::uint32_t;
inline constexpr Slot no_slot = ~Slot{0};
// Of a gradient's slot: to be written, not added to.
inline constexpr Slot first_write = Slot{1} << 31;

// Which gradients are computed.
struct Wanted {
    bool inputs = false, parameters = false;
    bool any() const { return inputs || parameters; }
};

// Which operands of an elementwise step are uniform.
enum class Form : std::uint16_t { rows, uniform_y, uniform_x };
inline constexpr std::size_t forms = 3;

// What kernels are listed by: an op and a form, or one of two kinds of sums.
using Code = std::uint16_t;
constexpr Code code_of(Op op, Form form) {
    return static_cast<Code>(static_cast<std::size_t>(op) * forms + static_cast<std::size_t>(form));
}
inline constexpr Code affine_code = static_cast<Code>(op_infos.size() * forms);
inline constexpr Code inner_code = affine_code + 1;
inline constexpr std::size_t codes = affine_code + 2;

// One kernel call, forward and backward.
struct Step {
    Op op() const { return static_cast<Op>(code / forms); }
    Form form() const { return static_cast<Form>(code % forms); }

    Code code;
    bool has_gradient = false;  // whether it is run backward
    Slot out = 0;
    Slot x = 0, y = 0;  // of an affine or inner step, x is its index
    Slot out_grad = no_slot;
    Slot x_grad = no_slot, y_grad = no_slot;  // of a uniform operand, its cell
};

// out[j] = bias[j] + sum over i of weight[j][i] * in[i], for uniform bias and weights. Its slots
// are those of the outs, the ins, the outs' gradients (where `first_write` says that nothing has
// written one, which then is 0) and the ins' gradients; its weights, row by row, and then its
// biases, lie one after the other, and so do their gradients' cells.
struct Affine {
    std::uint32_t outs = 0, ins = 0;
    std::size_t slots = 0, weights = 0;
    bool inputs_wanted = false, weights_wanted = false;
    bool has_repeated_ins = false;  // whose gradients cannot be added to side by side

    std::size_t in_slots() const { return slots + outs; }
    std::size_t out_grad_slots() const { return in_slots() + ins; }
    std::size_t in_grad_slots() const { return out_grad_slots() + outs; }
    std::size_t biases() const { return weights + std::size_t{outs} * ins; }
};

// out = start + sum of +-a[i] * b[i], for rows. Its slots are a, b, the gradient of a and that of
// b, for each product.
struct Inner {
    std::uint32_t products = 0;
    std::size_t slots = 0;
    bool start_is_row = false;
    Slot start = 0, start_grad = no_slot;
};

// A uniform number that is gathered for affine steps, or that gathers its gradient over points.
struct Cell {
    Slot uniform;  // with `subtracted` if with the opposite sign
};

struct Output {
    bool is_row;
    Slot place, grad;
};

struct Plan {
    Array<Step> once;   // on uniform numbers
    Array<Step> steps;  // on rows
    Array<Affine> affines;
    Array<Inner> inners;
    Array<Slot> slots;
    Array<Cell> cells;
    Array<double> constants;  // the uniform numbers after the parameters
    Slot parameters = 0;
    Slot uniforms = 0;  // all of them; their gradients come after
    Slot rows = 0;
    std::vector<Slot> inputs, input_grads;  // rows, or no_slot
    std::vector<Output> outputs;
    std::size_t lanes = 0;  // of a block: how many points are computed on together
    Wanted wanted;
    bool contract = true;  // as the program's
};

Plan plan(const Program& program, Wanted wanted);

// A plan while it is being made: first steps are written down with values in the places of rows;
// then they are put in order; then it is found out which of them have gradients; then rows are
// given out.
struct PlannedValue {
    bool needs_grad = false, has_grad = false;
    Slot slot = no_slot, grad = no_slot;
};
struct Outline {
    Plan plan;
    Array<PlannedValue> values;  // the inputs first
    std::vector<bool> uniform_needs_grad;
};
Outline outline(const Program& program, Wanted wanted);  // lowering.cpp
void schedule(Outline& outline);                         // scheduling.cpp
void differentiate(Outline& outline);                    // differentiation.cpp
void give_rows(Outline& outline);                        // rows.cpp

}  // namespace megagrad
