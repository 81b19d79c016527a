// Whether results keep their operands: not within no_grad(), on the thread that is.
#pragma once

#include <Python.h>

#include "graph/node.hpp"

namespace megagrad::python {

// What a thread is within.
struct GradMode {
    int no_grads = 0;      // how many no_grad()
    bool records = false;  // record()
};

// Looked at wherever a node is made, for a thread-local costs more than that. A thread that ends
// within one stays counted, which costs others a look at their own mode.
extern int threads_in_no_grad;

// A node as this thread's mode has it; null with MemoryError set. Within no_grad() it is a leaf. A
// comparison keeps its op, by which it is true or false, on leaves. While the thread records, all
// depend on inputs that have no number yet: there the node is what detach() makes of the result.
PyObject* node_by_mode(Op op, double data, Operand lhs, Operand rhs, unsigned flags);

// Whether what this thread makes is to hold nothing that it was computed from.
bool drops_operands();

// The thread's mode for as long as this lives.
class InMode {
public:
    explicit InMode(GradMode mode);
    ~InMode();
    InMode(const InMode&) = delete;
    InMode& operator=(const InMode&) = delete;

private:
    GradMode before_;
};

extern PyMethodDef grad_mode_functions[];

}  // namespace megagrad::python
