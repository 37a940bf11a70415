import { readFileSync } from 'node:fs';

/** What is known about the addresses of this process. */
export interface AddressSpace {
  /** Whether an address can be read. */
  isReadable(address: number): boolean;
  /** Whether an address is code of the library. */
  isCode(address: number): boolean;
}

/**
 * Reads which addresses belong to a loaded library, so that no foreign pointer is followed or called on trust.
 * Linux tells (`/proc/self/maps`); elsewhere every address but 0 has to be believed.
 *
 * @param libraryPath the library's real path
 */
export function readAddressSpace(libraryPath: string): AddressSpace {
  const regions = readRegions();
  const code = regions.filter((region) => region.executable && region.file === libraryPath);
  if (code.length === 0) return { isReadable: (address) => address > 0, isCode: (address) => address > 0 };
  const holds = (list: Region[]) => (address: number) =>
    list.some((region) => address >= region.start && address < region.end);
  return { isReadable: holds(regions.filter((region) => region.readable)), isCode: holds(code) };
}

interface Region {
  start: number;
  end: number;
  readable: boolean;
  executable: boolean;
  file: string;
}

function readRegions(): Region[] {
  let text: string;
  try {
    text = readFileSync('/proc/self/maps', 'utf8');
  } catch {
    return [];
  }
  return text.split('\n').flatMap((line) => {
    // start-end permissions offset device inode file
    const found = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \S+\s*(.*)$/.exec(line);
    if (found === null) return [];
    const [, start, end, permissions, file] = found;
    return [
      {
        start: parseInt(start, 16),
        end: parseInt(end, 16),
        readable: permissions[0] === 'r',
        executable: permissions[2] === 'x',
        file,
      },
    ];
  });
}
