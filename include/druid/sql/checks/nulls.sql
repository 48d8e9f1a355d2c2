-- title: Campos nulos
-- description: Filas sin valor, por campo. Ningún campo es nulo: el que no aplica es la cadena
--   vacía; un nulo es un dato perdido.
-- severity: error
-- bounds: id_evento: 0..0
-- bounds: id_venta: 0..0
-- bounds: corrida: 0..0
-- bounds: secuencia: 0..0
-- bounds: sucursal: 0..0
-- bounds: provincia: 0..0
-- bounds: ciudad: 0..0
-- bounds: cliente: 0..0
-- bounds: producto: 0..0
-- bounds: sku: 0..0
-- bounds: categoria: 0..0
-- bounds: cantidad: 0..0
-- bounds: precio_unitario_centavos: 0..0
-- bounds: descuento_centavos: 0..0
-- bounds: importe_centavos: 0..0
-- bounds: alicuota_iva: 0..0
-- bounds: iva_centavos: 0..0
-- bounds: tipo_pago: 0..0
-- bounds: cuotas: 0..0
-- bounds: emisor: 0..0
-- bounds: estado: 0..0
-- bounds: motivo: 0..0
-- bounds: plataforma: 0..0
-- faults: cantidad: tipo_erroneo
SELECT
  COUNT(*) AS ventas,
  COUNT(*) - COUNT(id_evento) AS id_evento,
  COUNT(*) - COUNT(id_venta) AS id_venta,
  COUNT(*) - COUNT(corrida) AS corrida,
  COUNT(*) - COUNT(secuencia) AS secuencia,
  COUNT(*) - COUNT(sucursal) AS sucursal,
  COUNT(*) - COUNT(provincia) AS provincia,
  COUNT(*) - COUNT(ciudad) AS ciudad,
  COUNT(*) - COUNT(cliente) AS cliente,
  COUNT(*) - COUNT(producto) AS producto,
  COUNT(*) - COUNT(sku) AS sku,
  COUNT(*) - COUNT(categoria) AS categoria,
  COUNT(*) - COUNT(cantidad) AS cantidad,
  COUNT(*) - COUNT(precio_unitario_centavos) AS precio_unitario_centavos,
  COUNT(*) - COUNT(descuento_centavos) AS descuento_centavos,
  COUNT(*) - COUNT(importe_centavos) AS importe_centavos,
  COUNT(*) - COUNT(alicuota_iva) AS alicuota_iva,
  COUNT(*) - COUNT(iva_centavos) AS iva_centavos,
  COUNT(*) - COUNT(tipo_pago) AS tipo_pago,
  COUNT(*) - COUNT(cuotas) AS cuotas,
  COUNT(*) - COUNT(emisor) AS emisor,
  COUNT(*) - COUNT(estado) AS estado,
  COUNT(*) - COUNT(motivo) AS motivo,
  COUNT(*) - COUNT(plataforma) AS plataforma
FROM "{datasource}"
WHERE __time >= TIMESTAMPADD(MINUTE, -%(lookback_minutes)s, CURRENT_TIMESTAMP)
