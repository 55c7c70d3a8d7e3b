// A variable that glibc has since 2.32. Libstdc++, whose headers V8 is compiled
// with, counts references without atomic instructions where it is true. V8 has
// threads. Weak and hidden: a definition in the program comes first.
__attribute__((weak, visibility("hidden"))) char __libc_single_threaded = 0;
