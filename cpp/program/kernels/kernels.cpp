// The kernels, by the op table's formulas. This file is compiled once for each instruction set.
#include "program/kernels/kernels.hpp"

#include "graph/op.hpp"
#include "program/kernels/affine.hpp"
#include "program/kernels/block.hpp"
#include "program/kernels/inner.hpp"

namespace megagrad::MEGAGRAD_ISA {

namespace {

template <class F, class N>
MEGAGRAD_INLINE N result(N x, N y) {
    return F::forward(x, y);
}
template <class F, class T>
MEGAGRAD_INLINE Dual<T> result(Dual<T> x, Dual<T> y) {
    return chain<F>(x, y);
}

template <class F, class N, Form form>
void forward(const KernelCall& call, const Block& block) {
    double* out = block.numbers(call.out);
    const Operand<N> x(block, call.x, form == Form::uniform_x);
    const Operand<N> y(block, call.y, form == Form::uniform_y);
    for (std::size_t i = 0; i < block.points; i += N::width)
        store(result<F>(x.template at<form == Form::uniform_x>(block, i),
                        y.template at<form == Form::uniform_y>(block, i)),
              block, out + i);
}

// What an operand's gradient gets: for each point if it varies, in all if it is uniform.
template <class N, bool uniform>
class Gradient {
public:
    Gradient(const Block& block, Accumulator target) : block_(block), target_(target) {
        if constexpr (!uniform)
            if (is_wanted()) numbers_ = block.numbers(target);
    }
    bool is_wanted() const { return target_.is_wanted(); }
    MEGAGRAD_INLINE void add(N contribution, std::size_t i) {
        if constexpr (uniform) {
            total_ = total_ + of_points(contribution, block_, i);
        } else {
            double* const place = numbers_ + i;
            store(target_.is_first() ? contribution : load<N>(block_, place) + contribution, block_,
                  place);
        }
    }
    MEGAGRAD_INLINE void finish() const {
        if constexpr (uniform)
            if (is_wanted()) block_.cells[target_.number()] += sum(value_of(total_));
    }

private:
    const Block& block_;
    Accumulator target_;
    double* numbers_ = nullptr;
    N total_{0.0};
};

template <class F, class N, Form form>
void backward(const KernelCall& call, const Block& block) {
    constexpr bool uniform_x = form == Form::uniform_x, uniform_y = form == Form::uniform_y;
    constexpr bool is_binary = F::kind == Kind::infix || F::kind == Kind::binary;
    const double *grad = block.numbers(call.out_grad), *out = block.numbers(call.out);
    const Operand<N> xs(block, call.x, uniform_x), ys(block, call.y, uniform_y);
    Gradient<N, uniform_x> x_grad(block, call.x_grad);
    Gradient<N, uniform_y> y_grad(block, call.y_grad);
    for (std::size_t i = 0; i < block.points; i += N::width) {
        const N x = xs.template at<uniform_x>(block, i), y = ys.template at<uniform_y>(block, i);
        const N z = load<N>(block, out + i), g = load<N>(block, grad + i);
        if (x_grad.is_wanted()) x_grad.add(share(F::dx(x, y, z), g), i);
        if constexpr (is_binary)
            if (y_grad.is_wanted()) y_grad.add(share(F::dy(x, y, z), g), i);
    }
    x_grad.finish();
    if constexpr (is_binary) y_grad.finish();
}

template <class F, class N, Form form>
constexpr void put(Kernels& kernels, Op op) {
    kernels.forward[code_of(op, form)] = forward<F, N, form>;
    kernels.backward[code_of(op, form)] = backward<F, N, form>;
}

template <class F, class N>
constexpr void put_forms(Kernels& kernels, Op op) {
    if constexpr (F::kind == Kind::parametric) {
        put<F, N, Form::uniform_y>(kernels, op);
    } else {
        put<F, N, Form::varying>(kernels, op);
        if constexpr (F::kind != Kind::unary) {
            put<F, N, Form::uniform_x>(kernels, op);
            put<F, N, Form::uniform_y>(kernels, op);
        }
    }
}

template <class N>
constexpr Kernels kernels_for() {
    Kernels kernels{};
#define MEGAGRAD_PUT(name, ...) put_forms<formula::name##_, N>(kernels, Op::name);
    MEGAGRAD_INFIX(MEGAGRAD_PUT)
    MEGAGRAD_BINARY(MEGAGRAD_PUT)
    MEGAGRAD_UNARY(MEGAGRAD_PUT)
    MEGAGRAD_PARAMETRIC(MEGAGRAD_PUT)
#undef MEGAGRAD_PUT
    kernels.forward[affine_code] = affine_forward<N>;
    kernels.backward[affine_code] = affine_backward<N>;
    kernels.forward[inner_code] = inner_forward<N>;
    kernels.backward[inner_code] = inner_backward<N>;
    return kernels;
}

constexpr Kernels scalar = kernels_for<Scalar>(), vector = kernels_for<Vector>(),
                  dual = kernels_for<Dual<Vector>>();

#define MEGAGRAD_TEXT_OF(isa) #isa
#define MEGAGRAD_NAME_OF(isa) MEGAGRAD_TEXT_OF(isa)

}  // namespace

extern const InstructionSet instruction_set;
const InstructionSet instruction_set{MEGAGRAD_NAME_OF(MEGAGRAD_ISA), scalar, vector, dual};

}  // namespace megagrad::MEGAGRAD_ISA
