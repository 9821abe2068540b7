//! Smaller pictures: at most 256 colors, which a page of text hardly has more of.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};

/// A PNG's palette can hold no more.
const MAX_COLORS: usize = 256;

type Color = [u8; 3];

/// The same picture with the most frequent colors; every other becomes the nearest of them.
///
/// # Errors
/// When `picture` is not a PNG in 8-bit RGB, which is what Chromium makes.
pub(crate) fn reduce(picture: &[u8]) -> Result<Vec<u8>> {
    let mut reader = png::Decoder::new(std::io::Cursor::new(picture)).read_info()?;
    let size = reader
        .output_buffer_size()
        .context("the picture is too large")?;
    let mut bytes = vec![0; size];
    let info = reader.next_frame(&mut bytes)?;
    ensure!(
        (info.color_type, info.bit_depth) == (png::ColorType::Rgb, png::BitDepth::Eight),
        "the picture is not in 8-bit RGB"
    );
    let (pixels, _) = bytes.as_chunks::<3>();
    let palette = most_frequent(pixels);
    let indexes = indexes_of(pixels, &palette)?;

    let mut reduced = Vec::new();
    let mut encoder = png::Encoder::new(&mut reduced, info.width, info.height);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_palette(palette.concat());
    encoder.set_compression(png::Compression::High);
    // Neighboring indexes have nothing in common, so no filter helps.
    encoder.set_filter(png::Filter::NoFilter);
    encoder.write_header()?.write_image_data(&indexes)?;
    Ok(reduced)
}

fn most_frequent(pixels: &[Color]) -> Vec<Color> {
    let mut counts: HashMap<Color, usize> = HashMap::new();
    for pixel in pixels {
        *counts.entry(*pixel).or_default() += 1;
    }
    let mut colors: Vec<(usize, Color)> = counts.into_iter().map(|(c, n)| (n, c)).collect();
    colors.sort_unstable_by(|a, b| b.cmp(a));
    colors
        .into_iter()
        .take(MAX_COLORS)
        .map(|(_, c)| c)
        .collect()
}

fn indexes_of(pixels: &[Color], palette: &[Color]) -> Result<Vec<u8>> {
    let mut known: HashMap<Color, u8> = HashMap::new();
    let mut indexes = Vec::with_capacity(pixels.len());
    for pixel in pixels {
        let index = if let Some(index) = known.get(pixel) {
            *index
        } else {
            let nearest = (0_u8..=255)
                .zip(palette)
                .min_by_key(|(_, color)| distance(**color, *pixel));
            let (index, _) = nearest.context("the picture has no colors")?;
            known.insert(*pixel, index);
            index
        };
        indexes.push(index);
    }
    Ok(indexes)
}

fn distance(a: Color, b: Color) -> u32 {
    let squares = a
        .iter()
        .zip(b)
        .map(|(a, b)| u32::from(a.abs_diff(b)).pow(2));
    squares.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_of_few_colors_keeps_them() {
        let pixels = [[0, 0, 0], [255, 0, 0], [255, 0, 0], [9, 9, 9]];
        let mut picture = Vec::new();
        let mut encoder = png::Encoder::new(&mut picture, 2, 2);
        encoder.set_color(png::ColorType::Rgb);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&pixels.concat()).unwrap();
        writer.finish().unwrap();

        let reduced = reduce(&picture).unwrap();

        let mut decoder = png::Decoder::new(std::io::Cursor::new(reduced));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut bytes).unwrap();
        assert_eq!(bytes, pixels.concat());
    }

    #[test]
    fn a_rare_color_becomes_the_nearest() {
        let palette = [[0, 0, 0], [200, 200, 200]];

        assert_eq!(
            indexes_of(&[[190, 210, 200], [3, 0, 1]], &palette).unwrap(),
            [1, 0]
        );
    }
}
