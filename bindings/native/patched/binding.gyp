# The Node-API addon with V8 inside. Built by `npm run build:binding`, which sets
# V8_RAWMEM_SDK to the folder of an unpacked SDK (include/, lib/libv8_monolith.a).
{
  'includes': ['../sources.gypi'],
  'variables': {
    'sdk%': '<!(node -p "process.env.V8_RAWMEM_SDK")',
    'openssl_fips': '',
  },
  'targets': [
    {
      'target_name': 'v8-rawmem',
      'sources': [
        '<@(shared_sources)',
        'addon.cc',
        'agent.cc',
        'border.cc',
        'call_limits.cc',
        'chunk_feeder.cc',
        'code_cache.cc',
        'cpu_profiler.cc',
        'engine.cc',
        'errors.cc',
        'functions.cc',
        'handle.cc',
        'host_windows.cc',
        'hosted_memory.cc',
        'inner_call.cc',
        'inspector.cc',
        'inspector_console.cc',
        'inspector_entry.cc',
        'inspector_server.cc',
        'inspector_target.cc',
        'instances.cc',
        'memory_buffer.cc',
        'modules.cc',
        'native_import.cc',
        'node_isolate.cc',
        'number_call.cc',
        'platform.cc',
        'raw_memory.cc',
        'store.cc',
        'tracing.cc',
        'values.cc',
        'watchdog.cc',
        'web_assembly.cc',
      ],
      # Ahead of Node's headers, which bring a v8.h of their own.
      'include_dirs+': ['<(sdk)/include'],
      'include_dirs': ['..'],
      'defines': [
        'NAPI_VERSION=8',
        'V8_ENABLE_WEBASSEMBLY=1',
        # What else the library was compiled with is in the SDK's v8-gn.h.
        'V8_GN_HEADER',
      ],
      'cflags_cc!': ['-std=gnu++17', '-std=gnu++20', '-std=c++17'],
      'cflags!': ['-fno-omit-frame-pointer'],
      'cflags_cc': [
        '-std=c++20',
        '-fno-exceptions',
        '-fno-rtti',
        '-fvisibility=hidden',
        '-fvisibility-inlines-hidden',
        '-ffunction-sections',
        '-fdata-sections',
        '-Wall',
        '-Wextra',
        '-Wno-unused-parameter',
        '-Wno-cast-function-type',
      ],
      'libraries': ['<(sdk)/lib/libv8_monolith.a', '-lpthread', '-ldl', '-lm'],
      'ldflags': [
        '-fuse-ld=lld',
        # Symbols of this V8 must meet neither those of Node's V8 nor anyone's
        # C++ library.
        '-Wl,--exclude-libs,ALL',
        '-Wl,--version-script=<(module_root_dir)/../exports.map',
        '-Wl,-Bsymbolic',
        '-static-libstdc++',
        '-static-libgcc',
        '-Wl,--gc-sections',
        # Threads of the engine run on when the last worker that loaded the
        # addon ends, so its code has to stay.
        '-Wl,-z,nodelete',
        # Its symbols go into a debug file of the same id.
        '-Wl,--build-id=sha1',
      ],
    },
  ],
}
