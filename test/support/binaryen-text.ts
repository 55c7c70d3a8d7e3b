import binaryen from 'binaryen'

const { Features } = binaryen

// What V8 ships. With more, Binaryen makes use of encodings that V8 does not know yet.
const features =
  Features.MutableGlobals |
  Features.NontrappingFPToInt |
  Features.SIMD128 |
  Features.BulkMemory |
  Features.BulkMemoryOpt |
  Features.SignExt |
  Features.ExceptionHandling |
  Features.TailCall |
  Features.ReferenceTypes |
  Features.Multivalue |
  Features.GC |
  Features.Memory64 |
  Features.ExtendedConst |
  Features.MultiMemory

/** The binary of a module in text format: for the proposals that wabt does not know, such as call_ref and structs. */
export function binaryenText(text: string): Uint8Array {
  const module = binaryen.parseText(text)
  try {
    module.setFeatures(features)
    if (!module.validate()) throw new Error('the module is not valid')
    return module.emitBinary()
  } finally {
    module.dispose()
  }
}
