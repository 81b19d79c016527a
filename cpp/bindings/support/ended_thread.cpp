// What becomes of a thread that asks for the interpreter's lock while the interpreter shuts down.
//
// Until Python 3.13 it is ended by pthread_exit(), for which glibc unwinds its stack. Our frames
// are not made for that: their destructors would touch Python's objects without the lock, and one
// that is noexcept would abort the process. So at the first of our frames such a thread stops and
// waits for the process to end, as all do from Python 3.14 on. Frames are told of their unwinding
// by this function, which the linker puts between them and the one of the C++ library.
#include <unwind.h>

#include <chrono>
#include <thread>

extern "C" {

_Unwind_Reason_Code __real___gxx_personality_v0(int version, _Unwind_Action actions,
                                                _Unwind_Exception_Class kind,
                                                _Unwind_Exception* exception,
                                                _Unwind_Context* context);

_Unwind_Reason_Code __wrap___gxx_personality_v0(int version, _Unwind_Action actions,
                                                _Unwind_Exception_Class kind,
                                                _Unwind_Exception* exception,
                                                _Unwind_Context* context) {
    if (actions & _UA_FORCE_UNWIND)
        for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
    return __real___gxx_personality_v0(version, actions, kind, exception, context);
}
}
