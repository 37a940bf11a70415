/** The types that numbers can be rounded to. */
export type RoundedType = 'float16' | 'bfloat16' | 'float8e4m3' | 'float8e5m2';

/** What a floating-point type can hold. */
export interface NumberType {
  /** Bits of the fraction that are stored. */
  readonly fractionBits: number;
  /** The exponent of the smallest normal number. */
  readonly smallestExponent: number;
  /** The largest finite number. */
  readonly largest: number;
  /** Whether it has infinities; where it has none, what is too large becomes the largest number. */
  readonly infinite: boolean;
  /** Its number in ONNX (TensorProto.DataType). */
  readonly onnxCode: number;
}

/**
 * The types by name. IEEE 754 binary16; bfloat16, the upper half of a float32; and the two types of "OCP 8-bit Floating
 * Point Specification (OFP8)" (2023), section 5: E4M3 gives up infinities for range.
 */
export const numberTypes: Readonly<Record<RoundedType, NumberType>> = {
  float16: { fractionBits: 10, smallestExponent: -14, largest: 65504, infinite: true, onnxCode: 10 },
  bfloat16: {
    fractionBits: 7,
    smallestExponent: -126,
    largest: (2 - 2 ** -7) * 2 ** 127,
    infinite: true,
    onnxCode: 16,
  },
  float8e4m3: { fractionBits: 3, smallestExponent: -6, largest: 448, infinite: false, onnxCode: 17 },
  float8e5m2: { fractionBits: 2, smallestExponent: -14, largest: 57344, infinite: true, onnxCode: 19 },
};
