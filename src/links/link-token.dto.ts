import { ApiProperty } from '@nestjs/swagger';
import { IsPlainText } from '../common';

/** A body with the token of a mailed link. */
export class LinkTokenDto {
  @ApiProperty({
    description: 'The token of the mailed link, unchanged.',
    example: 'eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiIwZTZmIn0.mWqgZ1kP0C7c9h9b0yJH3rT1w2cUuQ7kqk2mLxXbX9o',
  })
  @IsPlainText()
  token!: string;
}
