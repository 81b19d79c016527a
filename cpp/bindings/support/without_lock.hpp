// Computing without the interpreter's lock.
#pragma once

#include <Python.h>

namespace megagrad::python {

// While one lives, other threads of Python run.
class WithoutLock {
public:
    WithoutLock() : state_(PyEval_SaveThread()) {}
    ~WithoutLock() { PyEval_RestoreThread(state_); }
    WithoutLock(const WithoutLock&) = delete;
    WithoutLock& operator=(const WithoutLock&) = delete;

    // Lets a signal's handler run; false if it raised an exception.
    bool poll() {
        PyEval_RestoreThread(state_);
        const bool goes_on = PyErr_CheckSignals() == 0;
        state_ = PyEval_SaveThread();
        return goes_on;
    }

private:
    PyThreadState* state_;
};

}  // namespace megagrad::python
