// Computing without the interpreter's lock.
#pragma once

#include <Python.h>

#include <chrono>
#include <thread>

namespace megagrad::python {

// While one lives, other threads of Python run.
class WithoutLock {
public:
    WithoutLock() : state_(PyEval_SaveThread()) {}
    ~WithoutLock() { take(); }
    WithoutLock(const WithoutLock&) = delete;
    WithoutLock& operator=(const WithoutLock&) = delete;

    // Lets a signal's handler run; false if it raised an exception.
    bool poll() {
        take();
        const bool goes_on = PyErr_CheckSignals() == 0;
        state_ = PyEval_SaveThread();
        return goes_on;
    }

private:
    // A thread that asks for the lock once the interpreter is being shut down is ended by it, and
    // no C++ function can be left in that way. It waits for the process to end instead, as all such
    // threads do from Python 3.14 on.
    void take() noexcept {
        try {
            PyEval_RestoreThread(state_);
        } catch (...) {
            for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
        }
    }

    PyThreadState* state_;
};

}  // namespace megagrad::python
