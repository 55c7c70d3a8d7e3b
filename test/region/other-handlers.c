// An addon that handles faults, too: those of a page of its own, which it makes readable. Others it passes on, or ends the
// process with 3.

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static const int kSignals[] = {SIGBUS, SIGSEGV};
static struct sigaction previous[2];
static char* page;
static size_t page_size;
static int passes_on;

static void Handle(int signal, siginfo_t* info, void* context) {
  if ((char*)info->si_addr >= page && (char*)info->si_addr < page + page_size) {
    mprotect(page, page_size, PROT_READ);
    return;
  }
  const struct sigaction* next = &previous[signal == SIGBUS ? 0 : 1];
  if (!passes_on) _exit(3);
  if (next->sa_flags & SA_SIGINFO) {
    next->sa_sigaction(signal, info, context);
  } else {
    sigaction(signal, next, NULL);
  }
}

static void* Install(void* env, void* call) {
  (void)call;
  passes_on = getenv("OTHER_HANDLERS_PASS_ON") != NULL;
  struct sigaction action = {0};
  action.sa_sigaction = Handle;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  for (int i = 0; i < 2; ++i) sigaction(kSignals[i], &action, &previous[i]);
  (void)env;
  return NULL;
}

// Touches the page, which only this addon can make readable.
static void* Touch(void* env, void* call) {
  (void)env;
  (void)call;
  mprotect(page, page_size, PROT_NONE);
  (void)*(volatile char*)page;
  return NULL;
}

// Node-API, as far as it is used here.
int napi_create_function(void*, const char*, size_t, void* (*)(void*, void*), void*, void**);
int napi_set_named_property(void*, void*, const char*, void*);

void* napi_register_module_v1(void* env, void* exports) {
  page_size = sysconf(_SC_PAGESIZE);
  page = mmap(NULL, page_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  void* function;
  napi_create_function(env, "install", SIZE_MAX, Install, NULL, &function);
  napi_set_named_property(env, exports, "install", function);
  napi_create_function(env, "touch", SIZE_MAX, Touch, NULL, &function);
  napi_set_named_property(env, exports, "touch", function);
  return exports;
}
