// The last step of recording: what no output needs is dropped, and sums of products become dots.
// A dot adds in the order that was written: ((a + b) + c) + d is one, (a + b) + (c + d) is two.
#pragma once

#include <cstdint>
#include <vector>

#include "program/record/draft.hpp"

namespace megagrad {

class Fusion {
public:
    Fusion(const Draft& draft, const std::vector<Id>& outputs);

    Program program();

private:
    // What a sum adds or subtracts: x * y, or x alone (y: no operand).
    struct Term {
        Id x, y;
        bool minus;
    };
    struct Dot {
        Id id;
        std::size_t first, count;  // of its terms
    };
    // What has to be known of an entry, in a byte: operands lie anywhere, and memory is slow.
    struct Role {
        std::uint8_t uses : 2 = 0;      // 2: two or more
        std::uint8_t varying : 1 = 0;   // depends on an input
        std::uint8_t summable : 1 = 0;  // a sum, a product or a negation, that a dot may take in
        std::uint8_t absorbed : 1 = 0;  // part of a dot
    };

    void find_roles();
    void find_dots();
    void collect_terms(Id sum);
    void add_term(Id id, bool minus, Id sum);
    void use(Id id);
    bool is_varying(Id id) const { return !Draft::is_constant(id) && roles_[id].varying; }
    bool is_part(Id id, Id sum) const;
    bool is_plain(const Term& term) const { return term.y == Draft::no_operand && !term.minus; }
    std::size_t start_of(const Dot& dot) const;
    void number_leaves(Program& program);
    Id number_of(Id id) const;
    void append(Program& program, const Draft::Entry& entry) const;
    void append(Program& program, const Dot& dot) const;

    const Draft& draft_;
    const Array<Draft::Entry>& entries_;
    const std::vector<Id>& outputs_;
    Array<Role> roles_;
    std::vector<bool> used_constants_;
    Array<Term> terms_;
    Array<Dot> dots_;    // the last one first
    Array<Id> parts_;    // entries that the sum being looked at would absorb
    Array<Id> numbers_;  // in the program, of each entry
    Array<Id> constant_numbers_;
    Id one_ = 0, nothing_ = 0;
};

}  // namespace megagrad
