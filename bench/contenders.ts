/** Names of contenders, as they stand in results and plots. */
export const patched = 'patched V8'
export const patchedMemory64 = 'patched V8, memory64'
export const patchedPlain = 'patched V8, a load per value'
export const patchedDynamic = "patched V8, tiering: 'dynamic'"
export const patchedCached = 'patched V8, code cache'
export const copied = 'stock Node, copying'
export const copiedSmall = 'stock Node, copying small windows'
export const read = 'stock Node, fs.readSync'
export const native = 'native C++'
export const nativeWide = 'native C++, -march=native'
export const duckdb = 'DuckDB'
export const duckdbOneThread = 'DuckDB, 1 thread'
