# The Node-API addon without V8 inside: regions, and the backends on Node's own
# V8. Needs a C++ compiler and nothing else. Built by
# `npm run build:binding -- --node-backends`.
{
  'includes': ['../sources.gypi'],
  'variables': {
    'openssl_fips': '',
  },
  'targets': [
    {
      'target_name': 'v8-rawmem-node',
      'sources': ['<@(shared_sources)', 'addon.cc'],
      'include_dirs': ['..'],
      'defines': [
        'NAPI_VERSION=8',
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
      'libraries': ['-lpthread', '-ldl'],
      'ldflags': [
        '-Wl,--exclude-libs,ALL',
        '-Wl,--version-script=<(module_root_dir)/../exports.map',
        '-Wl,-Bsymbolic',
        '-static-libstdc++',
        '-static-libgcc',
        '-Wl,--gc-sections',
        '-Wl,-z,nodelete',
        # Its symbols go into a debug file of the same id.
        '-Wl,--build-id=sha1',
      ],
    },
  ],
}
