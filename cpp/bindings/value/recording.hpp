// Recordings that run: meanwhile no data that depends on one of their inputs may be read.
#pragma once

#include <unordered_set>
#include <vector>

#include "bindings/value/value.hpp"
#include "platform/running.hpp"

namespace megagrad::python {

// The inputs of one, on any thread. Each has its own, so that they may end in any order.
class RecordedInputs : public Running<RecordedInputs> {
public:
    // `inputs` is a tuple of Values; may throw std::bad_alloc.
    explicit RecordedInputs(PyObject* inputs);
    bool has(const Node& node) const { return inputs_.contains(&node); }

private:
    Owned held_;
    std::unordered_set<const Node*> inputs_;
};
// In a process that fork() made: those of other threads do not go on.
void leave_recordings_to_other_threads();

// Whether the Value depends on an input of a recording that runs.
bool depends_on_an_input(PyObject* value);
// The same; then a TypeError is set.
bool refuses_to_be_read(PyObject* value, const char* what);

// All that a read costs while nothing is recorded is a look at whether anything is.
inline bool may_be_read(PyObject* value, const char* what) {
    return RecordedInputs::innermost() == nullptr || !refuses_to_be_read(value, what);
}
inline bool may_be_read(const std::vector<Node*>& nodes, const char* what) {
    for (Node* node : nodes)
        if (!may_be_read(object_of(node), what)) return false;
    return true;
}

extern PyMethodDef recording_functions[];

}  // namespace megagrad::python
