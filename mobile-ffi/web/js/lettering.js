// Letters of watermarks, drawn by the browser with whatever font it has for the language.

const SANS = 'sans-serif';
/** Letters' height in their line's: strokes reach beyond it, up and down. */
const SHARE = 0.84;

/**
 * One line of text, a byte of ink a pixel, row by row. @param {string} text @param {number} px height of the line
 * @returns {{width: number, ink: Uint8Array}}
 */
export function letter(text, px) {
  const font = `${Math.floor(px * SHARE)}px ${SANS}`;
  const measuring = new OffscreenCanvas(1, 1).getContext('2d');
  measuring.font = font;
  const width = Math.ceil(measuring.measureText(text).width);
  if (width === 0) return { width: 0, ink: new Uint8Array() };
  const canvas = new OffscreenCanvas(width, px);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.font = font;
  context.textBaseline = 'middle';
  context.fillText(text, 0, px / 2);
  const { data } = context.getImageData(0, 0, width, px);
  // Black on nothing: how opaque a pixel is, is how much ink it has.
  return { width, ink: Uint8Array.from({ length: width * px }, (_, at) => data[at * 4 + 3]) };
}
