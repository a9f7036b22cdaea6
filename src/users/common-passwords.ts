import { Injectable } from '@nestjs/common';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { alike } from './guessable';

const FILE = join(__dirname, '..', '..', 'data', 'common-passwords.txt');

/** The passwords that people use most, and attackers try first. The file says where they come from. */
@Injectable()
export class CommonPasswords {
  private lines: Promise<Buffer> | undefined;

  /** Whether a password is one of them, as a whole and however it is capitalized. */
  async include(password: string): Promise<boolean> {
    // Read at the first need, and kept as bytes: fifty thousand strings would take many times the memory.
    this.lines ??= readFile(FILE);
    return (await this.lines).includes(`\n${alike(password)}\n`);
  }
}
