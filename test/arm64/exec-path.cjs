// Preloaded in emulated processes: the system cannot start the arm64 Node itself, only the script that runs it in the
// emulator.
process.execPath = process.env.V8_RAWMEM_EMULATED_NODE
