// How a program is carried out: what is computed once a call, what for every point, by which
// kernel, and in which registers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "platform/marked_number.hpp"
#include "program/program.hpp"

namespace megagrad {

// Where a number is kept. What differs between points is in a register of a block's memory, with
// one number for each of its points; what is the same for all is a uniform number, the register of
// a block with one point.
using Register = std::uint32_t;
inline constexpr Register no_register = ~Register{0};

// A register to which gradients are added, and whether this is the first one, which is written.
struct Accumulator : MarkedNumber {
    constexpr Accumulator(Register target, bool is_first) : MarkedNumber(target, is_first) {}
    bool is_first() const { return is_marked(); }
    bool is_wanted() const { return bits() != no_register; }
};
inline constexpr Accumulator nowhere{no_register, true};

// Which gradients are computed.
struct Wanted {
    bool inputs = false, parameters = false;
    bool any() const { return inputs || parameters; }
};

// Which operands of an elementwise call are uniform.
enum class Form : std::uint16_t { varying, uniform_y, uniform_x };
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
struct KernelCall {
    Op op() const { return static_cast<Op>(code / forms); }
    Form form() const { return static_cast<Form>(code % forms); }

    Code code;
    bool has_gradient = false;  // whether it is run backward
    Register out = 0;
    Register x = 0, y = 0;  // of an affine or inner call, x is its index
    Register out_grad = no_register;
    Accumulator x_grad = nowhere, y_grad = nowhere;  // of a uniform operand, its cell
};

// out[j] = bias[j] + sum over i of weight[j][i] * in[i], for uniform bias and weights. Its outs and
// then its ins lie one after the other in `affine_registers`, and so do their gradients in
// `affine_gradients` (where an out's may be the first one: then nothing has written it, and it is
// 0). Its weights, neuron by neuron, and then its biases are cells.
struct Affine {
    std::uint32_t outs = 0, ins = 0;
    std::size_t registers = 0, weights = 0;
    bool inputs_wanted = false, weights_wanted = false;
    bool has_repeated_ins = false;  // whose gradients cannot be added to side by side

    std::size_t in_registers() const { return registers + outs; }
    std::size_t biases() const { return weights + std::size_t{outs} * ins; }
};

// A factor of a product, and the sign of that.
using Factor = Use;

// out = start + sum of +-a[i] * b[i]
struct Product {
    Factor a;
    Register b;
    Accumulator a_grad = nowhere, b_grad = nowhere;
};
struct Inner {
    std::uint32_t products = 0;
    std::size_t first = 0;  // of them, in Plan::products
    bool start_varies = false;
    Register start = 0;
    Accumulator start_grad = nowhere;
};

// A uniform number that is gathered for affine calls, or that gathers its gradient over points.
struct Cell {
    Factor uniform;
};

struct Output {
    bool varies;
    Register place;
    Accumulator grad;
};

struct Plan {
    Array<KernelCall> once;   // on uniform numbers
    Array<KernelCall> calls;  // for every block of points
    Array<Affine> affines;
    Array<Register> affine_registers;
    Array<Accumulator> affine_gradients;
    Array<Inner> inners;
    Array<Product> products;
    Array<Cell> cells;
    Array<double> constants;  // the uniform numbers after the parameters
    Register parameters = 0;
    Register uniforms = 0;  // how many; their gradients come after
    Register registers = 0;
    std::vector<Register> inputs, input_grads;  // or no_register
    std::vector<Output> outputs;
    std::size_t points = 0;  // of a block
    Wanted wanted;
    bool contract = true;  // as the program's
};

Plan plan(const Program& program, Wanted wanted);

}  // namespace megagrad
