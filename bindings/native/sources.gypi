# What both addons are made of. Paths are seen from the folder of each
# binding.gyp.
{
  'variables': {
    'shared_sources': [
      '../common/fault_range.cc',
      '../common/feeder.cc',
      '../common/host_mapping.cc',
      '../common/host_memory.cc',
      '../common/napi/arguments.cc',
      '../common/napi/array_buffers.cc',
      '../common/napi/native_functions.cc',
      '../common/older_glibc.cc',
      '../common/page_advice.cc',
      '../common/region.cc',
      '../common/size_errors.cc',
      '../common/window_cursor.cc',
      '../node/node_backends.cc',
      '../node/node_feeder.cc',
      '../node/raw.cc',
      '../node/raw_growth.cc',
      '../node/raw_layout.cc',
      '../node/raw_pin.cc',
      '../node/raw_target.cc',
      '../node/raw_words.cc',
      '../node/reserved_pages.cc',
      '../node/rewire.cc',
      '../node/rewire_target.cc',
      '../node/rewired_pages.cc',
      '../node/stored_pages.cc',
      '../node/window_target.cc',
    ],
  },
}
