// What the op table expands to: the enum `Op`, each op's description, and its
// formulas as templates over the number type.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "graph/functions.hpp"
#include "graph/op_table.hpp"

namespace megagrad {

#define MEGAGRAD_NAME_OF_ENTRY(name, ...) name,

enum class Op : std::uint8_t {
    leaf,    // a number that a graph starts from
    custom,  // made by the user: its chain rule is local gradients or a closure
    bundle,  // not a number: many operands together, see Bundle in node.hpp
    MEGAGRAD_BULK(MEGAGRAD_NAME_OF_ENTRY)        //
    MEGAGRAD_INFIX(MEGAGRAD_NAME_OF_ENTRY)       //
    MEGAGRAD_BINARY(MEGAGRAD_NAME_OF_ENTRY)      //
    MEGAGRAD_UNARY(MEGAGRAD_NAME_OF_ENTRY)       //
    MEGAGRAD_PARAMETRIC(MEGAGRAD_NAME_OF_ENTRY)  //
};

#define MEGAGRAD_ONE_MORE(...) +1
inline constexpr std::size_t bulk_ops = MEGAGRAD_BULK(MEGAGRAD_ONE_MORE);
#undef MEGAGRAD_ONE_MORE
#undef MEGAGRAD_NAME_OF_ENTRY

// A neuron is one node, too: a table op on the value of a dot. It is that op with one bit more.
inline constexpr std::uint8_t on_dot_bit = 128;
inline bool is_on_dot(Op op) { return (static_cast<std::uint8_t>(op) & on_dot_bit) != 0; }
inline Op on_dot(Op op) { return static_cast<Op>(static_cast<std::uint8_t>(op) | on_dot_bit); }
inline Op without_dot(Op op) {
    return static_cast<Op>(static_cast<std::uint8_t>(op) & ~on_dot_bit);
}

// Stands for a loop over + and *, which it unfolds into when someone looks.
inline bool is_bulk(Op op) {
    constexpr auto first = static_cast<std::size_t>(Op::bundle) + 1;
    return is_on_dot(op) || static_cast<std::size_t>(op) - first < bulk_ops;
}

enum class Kind : std::uint8_t { structural, infix, binary, unary, parametric };

// The formulas: formula::exp_::forward(x, y), formula::exp_::dx(x, y, z).
namespace formula {

using namespace std;  // an entry may call whatever <cmath> has

#define MEGAGRAD_FORMULAS(name, kind_, forward_, dx_, dy_)                              \
    struct name##_ {                                                                    \
        static constexpr Kind kind = kind_;                                             \
        template <class T>                                                              \
        static T forward([[maybe_unused]] T x, [[maybe_unused]] T y) {                  \
            return forward_;                                                            \
        }                                                                               \
        template <class T>                                                              \
        static T dx([[maybe_unused]] T x, [[maybe_unused]] T y, [[maybe_unused]] T z) { \
            return dx_;                                                                 \
        }                                                                               \
        template <class T>                                                              \
        static T dy([[maybe_unused]] T x, [[maybe_unused]] T y, [[maybe_unused]] T z) { \
            return dy_;                                                                 \
        }                                                                               \
    };
#define MEGAGRAD_INFIX_ENTRY(name, label, forward, dx, dy, needs, domain, doc) \
    MEGAGRAD_FORMULAS(name, Kind::infix, forward, dx, dy)
#define MEGAGRAD_BINARY_ENTRY(name, label, forward, dx, dy, needs, domain, doc) \
    MEGAGRAD_FORMULAS(name, Kind::binary, forward, dx, dy)
#define MEGAGRAD_UNARY_ENTRY(name, label, forward, dx, needs, domain, doc) \
    MEGAGRAD_FORMULAS(name, Kind::unary, forward, dx, T(0))
#define MEGAGRAD_PARAMETRIC_ENTRY(name, label, parameter, default_, forward, dx, needs, domain, \
                                  doc)                                                          \
    MEGAGRAD_FORMULAS(name, Kind::parametric, forward, dx, T(0))

MEGAGRAD_INFIX(MEGAGRAD_INFIX_ENTRY)
MEGAGRAD_BINARY(MEGAGRAD_BINARY_ENTRY)
MEGAGRAD_UNARY(MEGAGRAD_UNARY_ENTRY)
MEGAGRAD_PARAMETRIC(MEGAGRAD_PARAMETRIC_ENTRY)

#undef MEGAGRAD_INFIX_ENTRY
#undef MEGAGRAD_BINARY_ENTRY
#undef MEGAGRAD_UNARY_ENTRY
#undef MEGAGRAD_PARAMETRIC_ENTRY
#undef MEGAGRAD_FORMULAS

}  // namespace formula

// Calls visit(formulas) with the formulas of a table op; otherwise() for leaves and custom ops.
template <class Visit, class Otherwise>
inline auto with_formulas(Op op, Visit visit, Otherwise otherwise) {
    switch (op) {
#define MEGAGRAD_CASE(name, ...) \
    case Op::name:               \
        return visit(formula::name##_{});
        MEGAGRAD_INFIX(MEGAGRAD_CASE)
        MEGAGRAD_BINARY(MEGAGRAD_CASE)
        MEGAGRAD_UNARY(MEGAGRAD_CASE)
        MEGAGRAD_PARAMETRIC(MEGAGRAD_CASE)
#undef MEGAGRAD_CASE
        default:
            return otherwise();
    }
}

// What a derivative's formula says of itself.
struct Slope {
    std::string_view formula;
    bool is_zero, uses_x, uses_y, uses_z;

    constexpr Slope(const char* text)
        : formula(text),
          is_zero(formula.empty() || formula == "T(0)"),
          uses_x(mentions('x')),
          uses_y(mentions('y')),
          uses_z(mentions('z')) {}

private:
    static constexpr bool is_name_character(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_';
    }
    constexpr bool mentions(char variable) const {
        for (std::size_t i = 0; i < formula.size(); ++i)
            if (formula[i] == variable && (i == 0 || !is_name_character(formula[i - 1])) &&
                (i + 1 == formula.size() || !is_name_character(formula[i + 1])))
                return true;
        return false;
    }
};

// One entry of the table as data.
struct OpInfo {
    const char* name;
    const char* label;
    Kind kind;
    const char* parameter;
    double default_parameter;
    const char* forward;
    Slope dx, dy;
    const char* needs;
    const char* domain;
    const char* doc;
};

#define MEGAGRAD_BULK_ENTRY(name, label) \
    OpInfo{#name, label, Kind::structural, "", 0, "", "", "", "", "", ""},
#define MEGAGRAD_INFIX_ENTRY(name, label, forward, dx, dy, needs, domain, doc) \
    OpInfo{#name, label, Kind::infix, "", 0, #forward, #dx, #dy, needs, domain, doc},
#define MEGAGRAD_BINARY_ENTRY(name, label, forward, dx, dy, needs, domain, doc) \
    OpInfo{#name, label, Kind::binary, "", 0, #forward, #dx, #dy, needs, domain, doc},
#define MEGAGRAD_UNARY_ENTRY(name, label, forward, dx, needs, domain, doc) \
    OpInfo{#name, label, Kind::unary, "", 0, #forward, #dx, "", needs, domain, doc},
#define MEGAGRAD_PARAMETRIC_ENTRY(name, label, parameter, default_, forward, dx, needs, domain, \
                                  doc)                                                          \
    OpInfo{#name, label, Kind::parametric, #parameter, default_, #forward, #dx,                 \
           "",    needs, domain,           doc},

inline constexpr std::array op_infos{
    OpInfo{"leaf", "", Kind::structural, "", 0, "", "", "", "", "", ""},
    OpInfo{"custom", "", Kind::structural, "", 0, "", "", "", "", "", ""},
    OpInfo{"operands", "", Kind::structural, "", 0, "", "", "", "", "", ""},
    MEGAGRAD_BULK(MEGAGRAD_BULK_ENTRY) MEGAGRAD_INFIX(MEGAGRAD_INFIX_ENTRY)
        MEGAGRAD_BINARY(MEGAGRAD_BINARY_ENTRY) MEGAGRAD_UNARY(MEGAGRAD_UNARY_ENTRY)
            MEGAGRAD_PARAMETRIC(MEGAGRAD_PARAMETRIC_ENTRY)};

#undef MEGAGRAD_BULK_ENTRY
#undef MEGAGRAD_INFIX_ENTRY
#undef MEGAGRAD_BINARY_ENTRY
#undef MEGAGRAD_UNARY_ENTRY
#undef MEGAGRAD_PARAMETRIC_ENTRY

static_assert(op_infos.size() <= on_dot_bit);

inline const OpInfo& info(Op op) { return op_infos[static_cast<std::size_t>(op)]; }

inline bool has_two_operands(const OpInfo& entry) {
    return entry.kind == Kind::infix || entry.kind == Kind::binary;
}
inline bool has_two_operands(Op op) { return has_two_operands(info(op)); }
// Whether x and y may change places without a change of one bit.
constexpr bool commutes(Op op) { return op == Op::add || op == Op::mul; }

// The value of a table op; y is the parameter, or unused.
double evaluate(Op op, double x, double y);

// A formula as a reader would write it: `1 / x`, where the table has `T(1) / x`.
std::string readable(std::string_view formula);

}  // namespace megagrad
