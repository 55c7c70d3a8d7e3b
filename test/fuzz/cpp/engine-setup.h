#ifndef TEST_FUZZ_CPP_ENGINE_SETUP_H_
#define TEST_FUZZ_CPP_ENGINE_SETUP_H_

#include "engine.h"

// The engine of the process, which stays for all inputs. $V8_RAWMEM_FLAGS has
// the flags of V8.
Engine& SharedEngine();

// Ends the process, and so keeps the input, if a check has failed.
void RequireNoFailures();

#endif  // TEST_FUZZ_CPP_ENGINE_SETUP_H_
