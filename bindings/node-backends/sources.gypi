# What both addons are made of.
{
  'variables': {
    'node_backends_sources': [
      '<(node_backends)/node_backends.cc',
      '<(node_backends)/rewire.cc',
      '<(node_backends)/rewire_target.cc',
      '<(node_backends)/rewired_pages.cc',
      '<(node_backends)/stored_pages.cc',
      '<(node_backends)/window_target.cc',
      '<(common)/host_mapping.cc',
      '<(common)/page_advice.cc',
      '<(common)/region.cc',
    ],
  },
}
