# What both addons are made of.
{
  'variables': {
    'node_backends_sources': [
      '<(node_backends)/node_feeder.cc',
      '<(node_backends)/node_backends.cc',
      '<(node_backends)/raw.cc',
      '<(node_backends)/raw_growth.cc',
      '<(node_backends)/raw_layout.cc',
      '<(node_backends)/raw_pin.cc',
      '<(node_backends)/raw_target.cc',
      '<(node_backends)/raw_words.cc',
      '<(node_backends)/rewire.cc',
      '<(node_backends)/rewire_target.cc',
      '<(node_backends)/rewired_pages.cc',
      '<(node_backends)/stored_pages.cc',
      '<(node_backends)/window_target.cc',
      '<(common)/array_buffers.cc',
      '<(common)/feeder.cc',
      '<(common)/host_mapping.cc',
      '<(common)/native_functions.cc',
      '<(common)/page_advice.cc',
      '<(common)/region.cc',
      '<(common)/size_errors.cc',
      '<(common)/window_cursor.cc',
    ],
  },
}
