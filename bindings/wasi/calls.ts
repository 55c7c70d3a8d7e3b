/**
 * What a parameter of a call says.
 *
 * - `value`: a number.
 * - `input`, `output`: the address of bytes, which the next parameter counts.
 * - `gather`, `scatter`: the address of a list of buffers to write from or to read into; the next
 *   parameter counts them.
 * - a number: the address of a result of that many bytes.
 */
export type Parameter = 'value' | 'input' | 'output' | 'gather' | 'scatter' | number

/** The calls of WASI preview 1 that reach into the program's memory in none but these ways. */
export const calls = {
  clock_res_get: ['value', 8],
  clock_time_get: ['value', 'value', 8],
  fd_advise: ['value', 'value', 'value', 'value'],
  fd_allocate: ['value', 'value', 'value'],
  fd_close: ['value'],
  fd_datasync: ['value'],
  fd_fdstat_get: ['value', 24],
  fd_fdstat_set_flags: ['value', 'value'],
  fd_fdstat_set_rights: ['value', 'value', 'value'],
  fd_filestat_get: ['value', 64],
  fd_filestat_set_size: ['value', 'value'],
  fd_filestat_set_times: ['value', 'value', 'value', 'value'],
  fd_pread: ['value', 'scatter', 'value', 4],
  fd_prestat_get: ['value', 8],
  fd_prestat_dir_name: ['value', 'output'],
  fd_pwrite: ['value', 'gather', 'value', 4],
  fd_read: ['value', 'scatter', 4],
  fd_readdir: ['value', 'output', 'value', 4],
  fd_renumber: ['value', 'value'],
  fd_seek: ['value', 'value', 'value', 8],
  fd_sync: ['value'],
  fd_tell: ['value', 8],
  fd_write: ['value', 'gather', 4],
  path_create_directory: ['value', 'input'],
  path_filestat_get: ['value', 'value', 'input', 64],
  path_filestat_set_times: ['value', 'value', 'input', 'value', 'value', 'value'],
  path_link: ['value', 'value', 'input', 'value', 'input'],
  path_open: ['value', 'value', 'input', 'value', 'value', 'value', 'value', 4],
  path_readlink: ['value', 'input', 'output', 4],
  path_remove_directory: ['value', 'input'],
  path_rename: ['value', 'input', 'value', 'input'],
  path_symlink: ['input', 'value', 'input'],
  path_unlink_file: ['value', 'input'],
  sched_yield: [],
  sock_accept: ['value', 'value', 4],
  sock_recv: ['value', 'scatter', 'value', 4, 2],
  sock_send: ['value', 'gather', 'value', 4],
  sock_shutdown: ['value', 'value'],
} as const satisfies Record<string, readonly Parameter[]>

export type CallName = keyof typeof calls
